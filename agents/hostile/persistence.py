"""Attacks on forgetting: what one run leaves behind, and whether the next cell of the role sees it."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

from attacks import Held, attack
from system import call, entries, refuses

_PLACES = ("/work", "/tmp", "/var/tmp", "/dev/shm", "/bundle", "/run", "/run/silo", "/home", "/root", "/dev/mqueue")
_NAME = "silo-hostile-was-here"
_KEY = 0x51105110


@attack
def leave_everything() -> None:
    """Leaves a trace wherever one can be left; a later run looks for it."""
    for place in _PLACES:
        _quietly(lambda path=Path(place, _NAME): path.write_text(_NAME))
    _quietly(lambda: call(29, _KEY, 4096, 0o1666))
    _quietly(lambda: call(248, b"user", _NAME.encode(), b"x", 1, -4))
    _quietly(lambda: call(240, _NAME.encode(), os.O_CREAT | os.O_RDWR, 0o666, 0))
    _quietly(lambda: socket.socket(socket.AF_UNIX).bind(f"\0{_NAME}"))
    if os.fork() == 0:
        os.setsid()
        while True:
            os.sched_yield()
    raise Held("LEFT")


refuses("left_work", "What the run before left in /work.", lambda: entries("/work"))
refuses("left_memory", "Shared memory of the run before.", lambda: call(29, _KEY, 0, 0))
refuses("left_key", "A key of the run before.", lambda: call(250, 10, -4, b"user", _NAME.encode(), 0))
refuses("left_queue", "A queue of the run before.", lambda: call(240, _NAME.encode(), os.O_RDWR, 0, 0))
refuses("left_socket", "A socket of the run before.", lambda: socket.socket(socket.AF_UNIX).connect(f"\0{_NAME}"))


@attack
def left_files() -> str:
    """A file of the run before, anywhere."""
    found = [place for place in _PLACES if os.path.lexists(f"{place}/{_NAME}")]
    if not found:
        raise Held("NONE")
    return ", ".join(found)


@attack
def left_cache() -> str:
    """Bytecode of the run before, in the bundle or the sdk."""
    found = [str(path) for root in ("/bundle", "/usr/lib/silo") for path in Path(root).rglob("__pycache__")]
    if not found:
        raise Held("NONE")
    return ", ".join(found)


@attack
def left_processes() -> str:
    """Processes of the run before: here the agent is alone with its runner, and with who tries this."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    strange = [pid for pid in pids if pid not in (1, os.getpid(), os.getppid())]
    if not strange:
        raise Held("NONE")
    return str(strange)


def _quietly(leave: Callable[[], object]) -> None:
    try:
        leave()
    except OSError:
        pass
