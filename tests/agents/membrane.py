"""The door's side of a cell's socket for tests of agents and the sdk: real HTTP on a real unix socket."""

import contextlib
import json
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from silo._door import Door
from silo._session import Session, begin

type Answer = tuple[int, dict[str, Any]]
"""Status and body."""

DOCUMENT: dict[str, Any] = {
    "task": "task_0000000000000001",
    "case": "case_0000000000000001",
    "kind": "refund",
    "role": "refund-agent",
    "customer": "tok_00000001",
    "fields": {},
    "text": "",
    "mode": "live",
    "now": 1_750_000_000_123,
    "first_step": 1,
    "history": [],
    "click": None,
}


def done(value: object) -> Answer:
    return 200, {"end": "done", "value": value}


def refused(code: str, message: str = "No.") -> Answer:
    return 403, {"end": "refused", "code": code, "message": message}


LATER: Answer = (503, {"end": "later", "message": "Not now."})
BROKEN: Answer = (0, {})
UNREADABLE: Answer = (502, {})


class Membrane:
    """Answers with `answer(path, body)` and records what it heard; each connection counts."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], Answer]) -> None:
        self.heard: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.connections = 0
        self.answer = answer

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Capability and arguments of each call, in order."""
        return [(body["capability"], body["arguments"]) for path, body, _ in self.heard if path == "/v1/call"]

    def ends(self) -> list[tuple[str, dict[str, Any]]]:
        """How the run ended, each word of it."""
        return [(path, body) for path, body, _ in self.heard if path != "/v1/call"]


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _handler(membrane: Membrane) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            membrane.connections += 1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            membrane.heard.append((self.path, body, dict(self.headers)))
            status, answer = membrane.answer(self.path, body)
            if status == 0:
                self.close_connection = True
                return
            sent = b"{" if status == UNREADABLE[0] else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:
            """A test prints what it found wrong and nothing else."""

    return Handler


@contextlib.contextmanager
def session(
    answer: Callable[[str, dict[str, Any]], Answer] = lambda _path, _body: done({}), **document: object
) -> Iterator[Membrane]:
    """The session of this process, with a membrane that answers so, for a document changed so."""
    membrane = Membrane(answer)
    with tempfile.TemporaryDirectory() as folder, _Server(f"{folder}/membrane", _handler(membrane)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        begin(
            Session(
                Door(f"{folder}/membrane"),
                {"task": DOCUMENT | document, "base_key": "base.key.x", "task_key": "task.key.x"},
            )
        )
        try:
            yield membrane
        finally:
            server.shutdown()
