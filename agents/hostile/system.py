"""The host as an attacker may know it, and the system calls Python has no function for."""

import ctypes
import os
from collections.abc import Callable

from attacks import ATTACKS, Held

CANARY_FOLDER = "/tmp/silo-canary"
"""On the host, open to everybody: what is in it may be read, written and connected to by any process that can name it."""

CANARY_FILE, CANARY_SOCKET = f"{CANARY_FOLDER}/file", f"{CANARY_FOLDER}/socket"
CANARY_ABSTRACT = "\0silo-canary"
CANARY_PROCESS = b"silo-canary-process"
CANARY_NAME = "leak.silo-canary.example"
CANARY_PORT = 4711
"""TCP and UDP, on every address of the host."""

DNS_PORT = 53

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def call(number: int, *arguments: object) -> int:
    """System call `number` (x86-64). Raises OSError."""
    result: int = _LIBC.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def refuses(name: str, tries: str, attempt: Callable[[], object]) -> None:
    """Enters an attack that is one system call, or one line."""

    def function() -> object:
        attempt()
        return None

    function.__name__, function.__module__ = name, attempt.__module__
    function.__doc__ = tries
    ATTACKS[name] = function


def read(path: str) -> str:
    """The first bytes of a file; where there are none, that is what held."""
    with open(path, "rb", buffering=0) as file:
        got = file.read(64)
    if not got:
        raise Held("EMPTY")
    return repr(got[:16])


def read_all(path: str) -> bytes:
    """All of a file, or nothing where it may not be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def entries(path: str) -> str:
    """What a folder holds; where that is nothing, that is what held."""
    names = os.listdir(path)
    if not names:
        raise Held("EMPTY")
    return ", ".join(names[:8])


def write(path: str) -> None:
    """Writes over a file."""
    with open(path, "wb", buffering=0) as file:
        file.write(b"hostile")
