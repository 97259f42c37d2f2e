"""The cell's one opening: HTTP on its own unix socket, one connection kept alive."""

import json
import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

SOCKET = "/run/silo/membrane"


class Silence(Exception):
    """No answer came: nobody knows whether the request arrived. Ask again."""


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("membrane")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class Door:
    """Sends one request at a time; connects when first needed and again after an error."""

    def __init__(self, path: str = SOCKET) -> None:
        self._connection = _UnixConnection(path)

    def request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """The answer's status and object. Raises `Silence`, or ValueError where `body` is not JSON."""
        sent = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        try:
            self._connection.request(method, path, sent, {"Content-Type": "application/json", **(headers or {})})
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, HTTPException, json.JSONDecodeError) as error:
            self._connection.close()
            raise Silence(str(error)) from error
