"""The table of attacks, and how one is tried: in a process of its own, so that none meets what another has left."""

import errno
import os
import select
import signal
import time
from collections.abc import Callable

type Attack = Callable[[], object]

ATTACKS: dict[str, Attack] = {}
"""Name -> what it tries (its docstring says so). It raises what it was refused with; what returns has got something."""

_REPORT_BYTES_MAX = 256
_TRY_SECONDS = 10.0
_CLEARED_SECONDS = 5.0


class Held(Exception):
    """What held, where no errno says it: a code of the membrane, or a word for what was there in place of what was wanted."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def attack(function: Attack) -> Attack:
    """Enters a function into the table, under its own name."""
    ATTACKS[function.__name__] = function
    return function


def attempt(name: str) -> str:
    """Tries it: the errno, code or signal it ended with, or `done` and what it got."""
    reader, writer = os.pipe()
    child = _fork()
    if child == 0:
        os.setpgid(0, 0)
        os.write(writer, _outcome(ATTACKS[name]).encode()[:_REPORT_BYTES_MAX])
        os._exit(0)
    os.close(writer)
    said = _read(reader)
    os.close(reader)
    end = _end(child)
    return said or end


def _fork() -> int:
    """What the attack before had started may take a moment to be gone."""
    end = time.monotonic() + _CLEARED_SECONDS
    while True:
        try:
            return os.fork()
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def _outcome(function: Attack) -> str:
    try:
        got = function()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, f"done: {error}")
    except MemoryError:
        return "ENOMEM"
    except Held as held:
        return held.code
    except Exception as error:
        return f"done: {error!r}"
    return "done" if got is None else f"done: {got}"


def _read(reader: int) -> str:
    if not select.select([reader], [], [], _TRY_SECONDS)[0]:
        return "done: it goes on"
    return os.read(reader, _REPORT_BYTES_MAX).decode(errors="replace")


def _end(child: int) -> str:
    """Ends the group of the child until it is empty: a bomb goes on while it is being killed. The child's signal, if one ended it."""
    until = time.monotonic() + _CLEARED_SECONDS
    while _is_killed(child) and time.monotonic() < until:
        _reap(child)
        time.sleep(0.005)
    status = os.waitpid(child, 0)[1]
    _reap(child)
    # What gets through says so: whoever is silent was ended. gVisor does not always tell by what.
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "ENDED"


def _is_killed(group: int) -> bool:
    """Whether there was anybody left; the first of the group stays until it is waited for."""
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        return False
    return any(pid != group for pid in _group(group))


def _group(group: int) -> list[int]:
    members = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdecimal()):
        try:
            if os.getpgid(pid) == group:
                members.append(pid)
        except OSError:
            continue
    return members


def _reap(first: int) -> None:
    """Where the runner is the first process of the cell, all orphans are its to wait for."""
    for pid in _group(first):
        try:
            if pid != first:
                os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
