"""Attempts to reach what a cell must not reach, each for real: name -> `done` or the errno's name. Runs as main.py."""

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import threading

import silo

LIBC = ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *arguments: object) -> int:
    result: int = LIBC.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def write(path: str) -> None:
    with open(path, "wb") as file:
        file.write(b"x")


def run_own_program() -> None:
    with open("/work/program", "wb") as program, open("/usr/bin/python3", "rb") as python:
        program.write(python.read())
    os.chmod("/work/program", 0o755)
    subprocess.run(["/work/program", "-c", ""], check=True)


def clone_user_namespace() -> None:
    if syscall(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)


def connect(family: int, address: object) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(2)
        sock.connect(address)


def open_without_end() -> None:
    held = []
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))


def start_threads_without_end() -> None:
    stop = threading.Event()
    try:
        while True:
            threading.Thread(target=stop.wait).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, "") from error
    finally:
        stop.set()


def make_many_files() -> None:
    made = []
    try:
        while len(made) < 5000:
            made.append(f"/work/{len(made)}")
            os.close(os.open(made[-1], os.O_CREAT))
    finally:
        for path in made[:-1]:
            os.unlink(path)


def take_memory() -> None:
    try:
        bytearray(1024**3)
    except MemoryError as error:
        raise OSError(errno.ENOMEM, "") from error


def raise_limit() -> None:
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as error:
        raise OSError(errno.EPERM, "") from error


ATTEMPTS = {
    "inet": lambda: connect(socket.AF_INET, ("127.0.0.1", 80)),
    "inet6": lambda: connect(socket.AF_INET6, ("::1", 80)),
    "hypervisor": lambda: connect(socket.AF_VSOCK, (2, 1024)),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "kernel_crypto": lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
    "abstract_socket": lambda: connect(socket.AF_UNIX, "\0/tmp/.X11-unix/X0"),
    "listen": lambda: socket.socket(socket.AF_UNIX).bind("/work/socket"),
    "host_root": lambda: os.listdir("/proc/1/root/var/silo"),
    "host_environment": lambda: open(f"/proc/{os.getppid()}/environ", "rb").read(),
    "host_memory": lambda: open("/proc/kcore", "rb"),
    "product": lambda: os.listdir("/opt/silo"),
    "state": lambda: os.listdir("/var/silo"),
    "other_bundles": lambda: os.listdir("/var/silo/bundles"),
    "other_cells": lambda: os.listdir("/run/silo/cells"),
    "credentials": lambda: os.listdir("/run/silo/credentials"),
    "write_root": lambda: write("/x"),
    "write_bundle": lambda: write("/bundle/main.py"),
    "write_runner": lambda: write("/usr/lib/silo/cell/run.py"),
    "write_sdk": lambda: write("/usr/lib/silo/sdk/silo/__init__.py"),
    "write_tmp": lambda: write("/tmp/x"),
    "write_shm": lambda: write("/dev/shm/x"),
    "write_socket_folder": lambda: write("/run/silo/x"),
    "write_sysctl": lambda: write("/proc/sys/kernel/hostname"),
    "run_own_program": run_own_program,
    "make_device": lambda: os.mknod("/work/disk", 0o60600, os.makedev(8, 0)),
    "become_root": lambda: os.setuid(0),
    "change_root": lambda: os.chroot("/work"),
    "mount": lambda: syscall(165, b"none", b"/work", b"tmpfs", 0, None),
    "namespace": lambda: os.unshare(os.CLONE_NEWUSER),
    "clone_namespace": clone_user_namespace,
    "enter_namespace": lambda: os.setns(os.open("/proc/self/ns/user", os.O_RDONLY), 0),
    "trace": lambda: syscall(101, 16, 1, 0, 0),
    "read_other_memory": lambda: syscall(310, 1, 0, 0, 0, 0, 0),
    "keyring": lambda: syscall(250, 0, -3, 0),
    "bpf": lambda: syscall(321, 0, 0, 0),
    "machine_size": lambda: syscall(99, ctypes.create_string_buffer(128)),
    "perf": lambda: syscall(298, 0, 0, 0, 0, 0),
    "userfaultfd": lambda: syscall(323, 0),
    "io_uring": lambda: syscall(425, 1, 0),
    "memory_file": lambda: os.memfd_create("x"),
    "shared_memory": lambda: syscall(29, 0, 4096, 0o1600),
    "message_queue": lambda: syscall(240, b"x", os.O_CREAT | os.O_RDWR, 0o600, 0),
    "hostname": lambda: socket.sethostname("x"),
    "clock": lambda: syscall(227, 0, b"\0" * 16),
    "steer_first_process": lambda: open("/proc/1/mem", "r+b"),
    "new_syscall_filter": lambda: syscall(317, 0, 0, None),
    "memory": take_memory,
    "raise_limit": raise_limit,
    "big_hole": lambda: os.truncate(os.open("/work/hole", os.O_CREAT | os.O_WRONLY), 10 * 1024**3),
    "files": make_many_files,
    "threads": start_threads_without_end,
    "descriptors": open_without_end,
}


def attempt(name: str) -> str:
    try:
        ATTEMPTS[name]()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def run(task: silo.Task) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    silo.complete("", **{name: attempt(name) for name in ATTEMPTS})
