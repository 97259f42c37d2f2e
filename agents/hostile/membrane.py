"""Attacks on the membrane, in raw HTTP: what the sdk would never send."""

import json
import socket
import time
from http.client import HTTPConnection

import silo
from attacks import Held, attack
from keys import Keys, forge, own_keys, respelled, undisguise, unsigned
from silo._session import current
from system import CANARY_NAME, refuses

OTHER_CUSTOMER, OTHER_ORDER = "C0077", "O1300"
"""Somebody else's, in the sample shop."""

_SOCKET = "/run/silo/membrane"
_HEAD = f"POST /v1/call HTTP/1.1\r\nHost: {CANARY_NAME}\r\n"
_GREEDY = {"order": OTHER_ORDER, "amount": 1, "currency": "USD", "reason": "-"}
_CONNECTIONS = 10_000
_SECONDS = 9.0
_SAY_SECONDS = 1.0
_UNANSWERED = b"?"
_STEP = 5000
"""Above every step of the run that is not an attack."""


def send(keys: Keys | None, step: object, capability: object, arguments: object) -> str:
    """One call with these keys; the code it ended with. Raises `Held`."""
    return post("/v1/call", json.dumps({"step": step, "capability": capability, "arguments": arguments}), keys)


def post(path: str, body: str, keys: Keys | None) -> str:
    """One request with these keys, as it is."""
    connection = HTTPConnection("membrane")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(_SOCKET)
    connection.request("POST", path, body.encode(), _headers(keys))
    end = json.loads(connection.getresponse().read())
    connection.close()
    if end.get("end") == "done":
        return str(end)
    raise Held(str(end.get("code", end)))


def say(data: bytes) -> None:
    """Raw bytes. Raises `Held` with the code of the answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(_SAY_SECONDS)
        sock.connect(_SOCKET)
        sock.sendall(data)
        raise Held(_code_in(_all(sock, once=True)))


def change_a_step(order: str) -> str:
    """Does step 1, and then does it again with other arguments."""
    own = own_keys()
    _code(own, 1, {"order": order})
    return _code(own, 1, {"order": order + "0"})


def flood() -> None:
    """Wants to be refused without end: the log is not the agent's to fill."""
    while True:
        try:
            post("/v1/nothing", "{}", own_keys())
        except Held:
            continue


def _call(step: int, capability: str, arguments: object, keys: Keys | None = None) -> object:
    return send(keys or own_keys(), _STEP + step, capability, arguments)


def _with_task(change: object) -> Keys:
    own = own_keys()
    return Keys(own.base, change(own.task))


refuses("other_customer", "To name another customer.", lambda: _call(1, "customer:read", {"customer": OTHER_CUSTOMER}))
refuses("other_order", "Another customer's order.", lambda: _call(2, "order:read", {"order": _other_order()}))
refuses("not_granted", "A capability it was not granted.", lambda: _call(3, "refund:create", _GREEDY))
refuses("unknown_capability", "A capability that does not exist.", lambda: _call(4, "shell:run", {}))
refuses("vault_capability", "What the vault alone may ask.", lambda: _call(5, "customer:lookup", {}))
refuses("unknown_argument", "An argument that does not exist.", lambda: _call(6, "order:read", {"order": OTHER_ORDER, "or": "1=1"}))
refuses("sql_argument", "SQL where an order should stand.", lambda: _call(7, "order:read", {"order": "x' OR '1'='1"}))
refuses("name_in_argument", "A name that somebody might look up.", lambda: _call(8, "order:read", {"order": CANARY_NAME}))
refuses("forged_key", "A forged task key.", lambda: _call(9, "customer:read", {}, _with_task(lambda task: forge(task, case="case_0000000000000000"))))
refuses("unsigned_key", "One that says it needs no signature.", lambda: _call(10, "customer:read", {}, _with_task(unsigned)))
refuses("respelled_key", "A real one, spelled otherwise.", lambda: _call(11, "customer:read", {}, _with_task(respelled)))
refuses("swapped_keys", "Its keys in each other's place.", lambda: _call(12, "customer:read", {}, Keys(own_keys().task, own_keys().base)))
refuses("one_key_twice", "One key for both.", lambda: _call(13, "customer:read", {}, Keys(own_keys().base, own_keys().base)))
refuses("no_keys", "No keys.", lambda: send(None, _STEP + 14, "customer:read", {}))
refuses("expired_key", "A real key that has expired.", lambda: _call(15, "customer:read", {}, _handed("expired_key")))
refuses("other_key", "A real key of another cell.", lambda: _call(16, "customer:read", {}, _handed("other_key")))
refuses("step_zero", "A step before the first.", lambda: send(own_keys(), 0, "customer:read", {}))
refuses("step_beyond", "A step beyond the last.", lambda: send(own_keys(), 10_001, "customer:read", {}))
refuses("step_fraction", "A step between two.", lambda: send(own_keys(), 1.5, "customer:read", {}))
refuses("object_name", "A name that every object has.", lambda: _call(17, "order:read", {"__proto__": {"order": OTHER_ORDER}}))
refuses("duplicate_member", "Two capabilities in one call.", lambda: post("/v1/call", '{"step":1,"capability":"customer:read","capability":"refund:create","arguments":{}}', own_keys()))
refuses("deep_body", "Lists in lists in lists.", lambda: post("/v1/call", "[" * 20_000, own_keys()))
refuses("large_body", "A body larger than allowed.", lambda: post("/v1/complete", json.dumps({"text": "x" * 1024**2, "fields": {}}), own_keys()))
refuses("many_fields", "An answer of ten thousand fields.", lambda: post("/v1/complete", json.dumps({"text": "", "fields": {f"f{i}": 0 for i in range(5_000)}}), own_keys()))
refuses("other_path", "A path of the kernel's.", lambda: post("/v1/admin/agents", "{}", own_keys()))
refuses("climbing_path", "A path that climbs.", lambda: post("/v1/../../kernel/door/intend", "{}", own_keys()))
refuses("other_host", "To be passed on elsewhere.", lambda: say(f"GET http://{CANARY_NAME}/ HTTP/1.1\r\nHost: {CANARY_NAME}\r\n\r\n".encode()))
refuses("tunnel", "A tunnel.", lambda: say(f"CONNECT {CANARY_NAME}:443 HTTP/1.1\r\nHost: x\r\n\r\n".encode()))
refuses("other_protocol", "A frame between kin.", lambda: say(b'\0\0\0\x40{"id":1,"message":"intend","body":{}}'))
refuses("websocket", "A WebSocket.", lambda: say(b"GET /v1/probe2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
refuses("two_lengths", "Two lengths of one body.", lambda: say(f"{_HEAD}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}".encode()))
refuses("two_framings", "A length and chunks, so that two readers read two requests.", lambda: say(f"{_HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/x HTTP/1.1\r\n\r\n".encode()))
refuses("folded_header", "A header over two lines.", lambda: say(f"{_HEAD}Silo-Task-Key: a\r\n b\r\nContent-Length: 2\r\n\r\n{{}}".encode()))
refuses("large_header", "A header without end.", lambda: say(f"{_HEAD}Silo-Task-Key: {'k' * 200_000}\r\n\r\n".encode()))
refuses("endless_body", "A body without end.", lambda: say(f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + (b"10000\r\n" + b" " * 65_536 + b"\r\n") * 2))
refuses("other_cell_socket", "Another cell's socket.", lambda: _other_membrane())


@attack
def pipelined() -> None:
    """A hundred calls without keys behind one with them, on one connection."""
    own = own_keys()
    keyed = f"Authorization: Bearer {own.base}\r\nSilo-Task-Key: {own.task}\r\n"
    body = json.dumps({"step": _STEP + 20, "capability": "refund:create", "arguments": _GREEDY})
    rest = f"Content-Length: {len(body)}\r\n\r\n{body}"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(_SECONDS)
        sock.connect(_SOCKET)
        sock.sendall((_HEAD + keyed + rest + (_HEAD + rest) * 100).encode())
        raise Held(_code_in(_all(sock)))


@attack
def slow_body() -> None:
    """A body that comes a byte at a time, and never all of it."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(_SECONDS)
        sock.connect(_SOCKET)
        sock.sendall(f"{_HEAD}Content-Length: 60000\r\n\r\n".encode())
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            sock.sendall(b" ")
            time.sleep(0.2)


@attack
def connections() -> None:
    """Ten thousand connections: as many at once as there may be, again and again."""
    held: list[socket.socket] = []
    made = hung_up = 0
    while made < _CONNECTIONS:
        try:
            sock = socket.socket(socket.AF_UNIX)
            held.append(sock)
            sock.connect(_SOCKET)
            sock.setblocking(False)
        except OSError:
            for one in held:
                hung_up += _is_closed(one)
                one.close()
            held.clear()
        made += 1
    for one in held:
        one.close()
    time.sleep(0.2)
    _call(21, "shell:run", {})


def _headers(keys: Keys | None) -> dict[str, str]:
    plain = {"Content-Type": "application/json"}
    return plain if keys is None else plain | {"Authorization": f"Bearer {keys.base}", "Silo-Task-Key": keys.task}


def _code(keys: Keys, step: int, arguments: object) -> str:
    try:
        return send(keys, step, "order:read", arguments)
    except Held as held:
        return held.code


def _other_order() -> str:
    return str(current().task.fields.get("other_order", OTHER_ORDER))


def _handed(name: str) -> Keys:
    key = current().task.fields.get(name)
    if key is None:
        raise Held("NO_KEY")
    return Keys(own_keys().base, undisguise(str(key)))


def _other_membrane() -> None:
    for slot in range(100):
        for path in (f"/run/silo/cells/{slot}/membrane", f"/run/silo/../{slot}/membrane", f"/proc/1/root/run/silo/cells/{slot}/membrane"):
            try:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(path)
                    return
            except OSError:
                continue
    raise Held("NONE_ANSWERS")


def _all(sock: socket.socket, once: bool = False) -> bytes:
    heard = b""
    try:
        while got := sock.recv(65_536):
            heard += got
            if once:
                break
    except TimeoutError:
        return heard or _UNANSWERED
    except OSError:
        pass
    return heard


def _code_in(heard: bytes) -> str:
    """The refusal in an answer, its status where it has none, CLOSED where there is no answer. Raises where it is none."""
    if b'"end":"done"' in heard:
        raise RuntimeError("done")
    if b'"code":"' in heard:
        return heard.split(b'"code":"')[1].split(b'"')[0].decode()
    if heard.startswith(b"HTTP/1.1 4") or heard.startswith(b"HTTP/1.1 5"):
        return f"STATUS_{heard[9:12].decode()}"
    if heard == _UNANSWERED:
        return "UNANSWERED"
    if heard:
        raise RuntimeError(heard[:80].decode(errors="replace"))
    return "CLOSED"


def _is_closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except OSError:
        return False
