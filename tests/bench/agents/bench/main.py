"""Calls `kv:get` so and so often with so many calls in flight, and says how long all and the middle one took. Lives `until` then (ms), if asked to."""

import json
import select
import socket
import time

import silo
from silo._door import SOCKET
from silo._session import current


def run(task: silo.Task) -> None:
    calls, in_flight = int(task.fields["calls"]), int(task.fields["in_flight"])
    millis, middle = _measure(calls, in_flight)
    until = float(task.fields.get("until", 0)) / 1000
    if until > time.time():
        time.sleep(until - time.time())
        silo.call("kv:get", key="counter")
    silo.complete("done", millis=round(millis, 3), p50=round(middle, 4), calls=calls)


def _measure(calls: int, in_flight: int) -> tuple[float, float]:
    """One connection for each call in flight: HTTP/1.1 answers in order, so a connection carries one at a time."""
    head = "".join(f"{name}: {value}\r\n" for name, value in current().keys.items())
    poll = select.epoll()
    connections = {}
    for _ in range(in_flight):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(SOCKET)
        connections[connection.fileno()] = connection
        poll.register(connection, select.EPOLLIN)
    sent_at: dict[int, float] = {}
    took: list[float] = []
    sent = 0
    begun = time.perf_counter()
    for descriptor, connection in connections.items():
        sent += 1
        sent_at[descriptor] = time.perf_counter()
        connection.sendall(_request(sent, head))
    while len(took) < calls:
        for descriptor, _ in poll.poll():
            _expect_done(connections[descriptor].recv(4096))
            took.append(time.perf_counter() - sent_at[descriptor])
            if sent < calls:
                sent += 1
                sent_at[descriptor] = time.perf_counter()
                connections[descriptor].sendall(_request(sent, head))
    return (time.perf_counter() - begun) * 1000, sorted(took)[len(took) // 2] * 1000


def _request(step: int, head: str) -> bytes:
    body = json.dumps({"step": step, "capability": "kv:get", "arguments": {"key": "counter"}})
    return (
        f"POST /v1/call HTTP/1.1\r\nHost: membrane\r\n{head}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _expect_done(answer: bytes) -> None:
    if b'"end":"done"' not in answer:
        raise RuntimeError("a call was not done")
