"""Attacks on the machine: each is tried for real, and ends with the name of the errno the system answered with."""

import errno
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

_BIG_FILE = Path("/work/big")
_BIG_FILE_BYTES = 10 * 1024**3
_CHUNK = bytes(1024**2)


def attack() -> dict[str, str]:
    """Name of each attack -> errno name, or `done`."""
    return {
        "raw_socket": errno_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)),
        "packet_socket": errno_of(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
        "host_file": errno_of(lambda: Path("/proc/1/root/etc/shadow").read_bytes()),
        "host_state": errno_of(lambda: os.listdir("/var/silo/kernel")),
        "host_disk": errno_of(lambda: os.mknod("/work/disk", 0o60600, os.makedev(254, 0))),
        "namespace": errno_of(lambda: os.unshare(os.CLONE_NEWUSER)),
        "big_file": errno_of(write_big_file),
        "fork_bomb": errno_of(fork_without_end),
    }


def errno_of(attempt: Callable[[], object]) -> str:
    """Tries it; the name of the errno it ended with."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def write_big_file() -> None:
    """Ten gigabytes into the only folder that may be written."""
    try:
        with _BIG_FILE.open("wb", buffering=0) as file:
            while file.tell() < _BIG_FILE_BYTES:
                file.write(_CHUNK)
    finally:
        _BIG_FILE.unlink()


def fork_without_end() -> None:
    """A bomb: every child forks as well. Ends with the errno the first process got, after killing its offspring."""
    try:
        while True:
            if os.fork() == 0:
                fork_for_ever()
    finally:
        os.kill(-1, signal.SIGKILL)


def fork_for_ever() -> None:
    """What a child does until it is killed."""
    while True:
        try:
            os.fork()
        except OSError:
            continue
