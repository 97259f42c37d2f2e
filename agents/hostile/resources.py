"""Attacks on what the machine has: memory, processes, files, descriptors, time, and the patience of whoever listens."""

import ctypes
import errno
import os
import resource
import signal
import socket
import stat
import struct
import threading
import time
from pathlib import Path

from attacks import Held, attack
from processes import raise_limit
from system import call, refuses

_MIB = 1024**2
_BIG_FILE_BYTES = 10 * 1024**3
_MEMORY_BYTES = 1024**3
_F_SETPIPE_SZ = 1031
_DESCRIPTORS, _PROCESSES = 5_000, 600
"""Above what the most generous cell has."""

refuses("message_queue", "Memory that outlives it, as a queue.", lambda: call(240, b"hostile", os.O_CREAT | os.O_RDWR, 0o600, 0))
refuses("shared_memory", "Memory that outlives it.", lambda: call(29, 0x5110, 4096, 0o1600))
refuses("semaphores", "Semaphores that outlive it.", lambda: call(64, 0x5110, 8, 0o1600))
refuses("messages", "Messages that outlive it.", lambda: call(68, 0x5110, 0o1600))
refuses("locked_memory", "Memory that is never swapped.", lambda: call(149, ctypes.create_string_buffer(1), 1))
refuses("locked_process", "All of it so.", lambda: call(151, 1))
refuses("timers", "Timers without end.", lambda: call(222, 0, None, b"\0" * 4))
refuses("watches", "Watches on files without end.", lambda: call(294, 0))
refuses("more_processes", "More processes than it has.", lambda: raise_limit(resource.RLIMIT_NPROC))
refuses("more_memory", "More memory than it has.", lambda: raise_limit(resource.RLIMIT_AS))
refuses("more_stack", "A larger stack than it has.", lambda: raise_limit(resource.RLIMIT_STACK))
refuses("more_descriptors", "More descriptors than it has.", lambda: raise_limit(resource.RLIMIT_NOFILE))
refuses("big_hole", "A file of 10 GB with nothing in it.", lambda: os.truncate(os.open("/work/hole", os.O_CREAT | os.O_WRONLY), _BIG_FILE_BYTES))
refuses("reserved_file", "10 GB, set aside.", lambda: os.posix_fallocate(os.open("/work/set-aside", os.O_CREAT | os.O_WRONLY), 0, _BIG_FILE_BYTES))
refuses("memory", "A gigabyte at once.", lambda: bytearray(_MEMORY_BYTES))


@attack
def big_file() -> None:
    """Ten gigabytes into the only folder that may be written."""
    big = Path("/work/big")
    try:
        with big.open("wb", buffering=0) as file:
            while file.tell() < _BIG_FILE_BYTES:
                file.write(bytes(_MIB))
    finally:
        big.unlink()


@attack
def many_big_files() -> None:
    """A gigabyte in files that are each allowed."""
    folder = Path("/work/many")
    folder.mkdir()
    made = []
    try:
        for number in range(1024):
            made.append(folder / str(number))
            made[-1].write_bytes(bytes(_MIB))
    finally:
        for path in made:
            path.unlink(missing_ok=True)
        folder.rmdir()


@attack
def little_by_little() -> None:
    """A gigabyte, a piece at a time, each piece used."""
    held = []
    while len(held) * _MIB < _MEMORY_BYTES:
        held.append(bytearray(os.urandom(4096) * 256))


@attack
def fork_bomb() -> None:
    """A bomb: every child forks as well. Whoever tried this ends the group of processes it leaves."""
    while True:
        if os.fork() == 0:
            _fork_for_ever()


def _fork_for_ever() -> None:
    while True:
        try:
            os.fork()
        except OSError:
            continue


@attack
def many_processes() -> None:
    """More processes than any cell may have, each of them quiet."""
    for _ in range(_PROCESSES):
        if os.fork() == 0:
            time.sleep(60)


@attack
def queued_signals() -> None:
    """More signals that wait than any cell may have: the kernel keeps each of them in its own memory."""
    number = signal.SIGRTMIN
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    for _ in range(_PROCESSES):
        call(129, os.getpid(), number, struct.pack("iii116x", number, 0, -1))


@attack
def threads() -> None:
    """Threads without end."""
    stop = threading.Event()
    try:
        while True:
            threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError as error:
        raise Held("EAGAIN") from error


@attack
def descriptors() -> None:
    """More descriptors than any cell may have."""
    for _ in range(_DESCRIPTORS):
        os.open("/dev/null", os.O_RDONLY)


@attack
def pipe_memory() -> None:
    """Memory of the kernel, by pipes that are made large and filled."""
    while True:
        _, writer = os.pipe()
        os.set_blocking(writer, False)
        call(72, writer, _F_SETPIPE_SZ, _MIB)
        os.write(writer, bytes(_MIB))


@attack
def socket_memory() -> None:
    """Memory of the kernel, by sockets that nobody reads."""
    held = []
    while True:
        pair = socket.socketpair()
        held.append(pair)
        pair[0].setblocking(False)
        try:
            while True:
                pair[0].send(bytes(65_536))
        except BlockingIOError:
            continue


@attack
def standard_output() -> str:
    """Output without end, to whoever reads it."""
    for descriptor in (0, 1, 2):
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISCHR(mode):
            return f"descriptor {descriptor} leads somewhere"
    os.write(1, bytes(64 * _MIB))
    raise Held("NOWHERE")


def endless_files() -> str:
    """Files without bytes, one after another; the errno that ended it, where the deadline does not come first."""
    number = 0
    while True:
        try:
            Path(f"/work/{number}").touch()
        except OSError as error:
            os.unlink("/work/0")
            return errno.errorcode[error.errno or 0]
        number += 1


def spin() -> None:
    """Goes on past its deadline, on every processor, without ever looking up."""
    os.fork()
    while True:
        pass


def sleep() -> None:
    """Goes on past its deadline, and does nothing."""
    time.sleep(3600)
