"""Attacks on processes: the host's, other cells', the cell's first, and what outlives the cell."""

import ctypes
import errno
import os
import resource
import signal
import socket
import struct
import time

from attacks import Held, attack
from system import CANARY_ABSTRACT, CANARY_PROCESS, call, read, read_all, refuses

_PIDS_MAX = 65_536
_PTRACE_ATTACH, _PTRACE_SEIZE = 16, 0x4206
_PR_SET_DUMPABLE = 4
_SCHED_FIFO = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

refuses("signal_first", "The end of the cell's first process.", lambda: _kill_first())
refuses("trace_first", "To trace it.", lambda: call(101, _PTRACE_ATTACH, 1, 0, 0))
refuses("seize_parent", "To trace the runner.", lambda: call(101, _PTRACE_SEIZE, os.getppid(), 0, 0))
refuses("read_other_memory", "Another process's memory.", lambda: _memory_of_first(310))
refuses("write_other_memory", "To change it.", lambda: _memory_of_first(311))
refuses("steer_first_process", "The first process, by its memory file.", lambda: _open_of_first("mem"))
refuses("first_environment", "What the first process was told.", lambda: _not_oneself(1) and read("/proc/1/environ"))
refuses("first_files", "What the first process has open.", lambda: _not_oneself(1) and os.listdir("/proc/1/fd"))
refuses("steal_descriptor", "A descriptor of the first process.", lambda: call(438, os.pidfd_open(1), 0, 0))
refuses("compare_processes", "What two processes share.", lambda: call(312, os.getpid(), os.getppid(), 0, 0, 0))
refuses("advise_process", "Another process's memory, given away.", lambda: call(440, os.pidfd_open(1), None, 0, 4, 0))
refuses("core_limit", "A core dump, for the host to handle.", lambda: raise_limit(resource.RLIMIT_CORE))
refuses("before_others", "To come before everybody.", lambda: _come_first())
refuses("real_time", "The processor, for good.", lambda: call(144, 0, _SCHED_FIFO, b"\x01\0\0\0"))
refuses("disk_priority", "The disk, before others.", lambda: call(251, 1, 0, (1 << 13)))
refuses("move_memory", "Where others' memory lies.", lambda: call(279, 1, 0, None, None, None, 0))
refuses("terminal", "A terminal, to type into.", lambda: os.open("/dev/tty", os.O_RDWR))


@attack
def signal_others() -> None:
    """A signal to every number that may be a process of somebody else's."""
    own = _own()
    reached = [pid for pid in range(2, _PIDS_MAX) if pid not in own and _is_there(pid)]
    if not reached:
        raise Held("OWN_ONLY")
    raise RuntimeError(f"reached {reached[:4]}")


@attack
def canary_process() -> None:
    """The end of a process of the host."""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        if CANARY_PROCESS in read_all(f"/proc/{name}/cmdline"):
            os.kill(int(name), signal.SIGKILL)
            return
    raise Held("NOT_SEEN")


@attack
def other_processes() -> str:
    """Processes that /proc shows and that are not of this cell."""
    strange = [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if pid not in _own()]
    if not strange:
        raise Held("OWN_ONLY")
    return str(strange[:4])


@attack
def dump_core() -> str:
    """A core dump: made dumpable, and crashed."""
    _LIBC.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        os.abort()
    status = os.waitpid(child, 0)[1]
    if not os.WCOREDUMP(status) and not any(name.startswith("core") for name in os.listdir(".")):
        raise Held("NO_CORE")
    return "a core"


@attack
def orphan() -> None:
    """A process that has let go of everything, and still tries the host when the agent has ended."""
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            _knock_for_ever()
        os._exit(0)
    raise Held("LEFT")


def _knock_for_ever() -> None:
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as knocking:
                knocking.connect(CANARY_ABSTRACT)
        except OSError:
            time.sleep(0.01)


def _own() -> set[int]:
    """This process, its parent, the first of the cell, and orphans it has made."""
    user = os.getuid()
    own = {1, os.getpid(), os.getppid()}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{name}").st_uid == user:
                own.add(int(name))
        except OSError:
            continue
    return own


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _not_oneself(pid: int) -> bool:
    """Where the runner is the first process, what it may do to itself is no attack."""
    if os.getppid() == pid:
        raise Held("OWN")
    return True


def _come_first() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    if os.path.exists("/proc/sentry-meminfo"):
        raise Held("SENTRY_ONLY")  # gVisor's own processes, which are what the host knows, keep the priority they have


def _kill_first() -> None:
    _not_oneself(1)
    os.kill(1, signal.SIGKILL)
    time.sleep(0.1)
    raise Held("IGNORED")


def _memory_of_first(number: int) -> None:
    """A word of it, by process_vm_readv(2) or its opposite: who may not gets EPERM before the address is looked at."""
    _not_oneself(1)
    word = ctypes.create_string_buffer(8)
    place = struct.pack("PN", ctypes.addressof(word), len(word))
    one, none = ctypes.c_long(1), ctypes.c_long(0)
    try:
        call(number, ctypes.c_long(1), place, one, place, one, none)
    except OSError as error:
        if error.errno == errno.EFAULT:
            return
        raise


def _open_of_first(name: str) -> None:
    _not_oneself(1)
    with open(f"/proc/1/{name}", "r+b"):
        pass


def raise_limit(limit: int) -> None:
    """As high as it goes. Raises OSError."""
    try:
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as error:
        raise PermissionError(1, "") from error
