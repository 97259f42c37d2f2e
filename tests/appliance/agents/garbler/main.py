"""Sends what is no HTTP, no JSON and no answer, and thinks it has answered."""

import os
import socket
from contextlib import suppress

import silo
from silo._door import SOCKET
from silo._session import current

_GARBAGE_SECONDS = 0.2


def run(_: silo.Task) -> None:
    keys = "".join(f"{name}: {value}\r\n" for name, value in current().keys.items())
    for said in (os.urandom(4096), b"\x00" * 4096, *map(_completion(keys), (b"{{{\xff]]]", b"null", b'{"text":1}'))):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as door:
            door.settimeout(_GARBAGE_SECONDS)
            door.connect(SOCKET)
            door.sendall(said)
            door.recv(65536)


def _completion(keys: str):
    head = f"POST /v1/complete HTTP/1.1\r\nHost: membrane\r\n{keys}Content-Length: "
    return lambda body: f"{head}{len(body)}\r\n\r\n".encode() + body
