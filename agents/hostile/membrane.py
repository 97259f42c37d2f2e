"""Attacks on the membrane, in raw HTTP: what the sdk would never send."""

import base64
import json
import socket
from http.client import HTTPConnection
from typing import Any, NamedTuple

import silo
from silo._session import current


OTHER_CUSTOMER, OTHER_ORDER = "C0077", "O1300"
"""Somebody else's, in the sample shop."""

_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class Keys(NamedTuple):
    """A base key and a task key, as the door sends them."""

    base: str
    task: str


def own_keys() -> Keys:
    """The keys of this very cell, taken from inside the sdk."""
    headers = current().keys
    return Keys(headers["Authorization"].removeprefix("Bearer "), headers["Silo-Task-Key"])


def attack(task: silo.Task) -> dict[str, str]:
    """Name of each attack -> the code it ended with, or `done`. Keys of other runs are tried where the task has some."""
    own = own_keys()
    got = {
        "other_customer": send(own, 1, "customer:read", {"customer": OTHER_CUSTOMER}),
        "other_order": send(own, 2, "order:read", {"order": OTHER_ORDER}),
        "not_granted": send(
            own, 3, "refund:create", {"order": OTHER_ORDER, "amount": 1, "currency": "USD", "reason": "-"}
        ),
        "unknown_argument": send(own, 4, "order:read", {"order": OTHER_ORDER, "or": "1=1"}),
        "forged_key": send(Keys(own.base, forge(own.task, case="case_0000000000000000")), 5, "customer:read", {}),
    }
    for step, name in enumerate(("expired_key", "other_key"), start=6):
        key = task.fields.get(name)
        if key is not None:
            got[name] = send(Keys(own.base, undisguise(str(key))), step, "customer:read", {})
    return got


def change_a_step(task: silo.Task) -> str:
    """Does step 1, and then does it again with other arguments."""
    own = own_keys()
    order = str(task.fields.get("order", OTHER_ORDER))
    send(own, 1, "order:read", {"order": order})
    return send(own, 1, "order:read", {"order": order + "0"})


def forge(token: str, **changed: object) -> str:
    """The token with other claims and the signature it had."""
    head, _, signature = token.split(".")
    payload = json.dumps(claims_of(token) | changed, separators=(",", ":")).encode()
    return ".".join((head, base64.urlsafe_b64encode(payload).rstrip(b"=").decode(), signature))


def claims_of(token: str) -> dict[str, Any]:
    """What a key says; no key is needed to read it."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def disguise(token: str) -> str:
    """The token in lower-case letters alone, so that nothing on its way takes a part of it for a phone number."""
    return token.encode().hex().translate(_LETTERS)


def undisguise(letters: str) -> str:
    """The opposite of `disguise`."""
    return bytes.fromhex(letters.translate({after: before for before, after in _LETTERS.items()})).decode()


def send(keys: Keys, step: int, capability: str, arguments: dict[str, object]) -> str:
    """One call with these keys; how it ended."""
    connection = HTTPConnection("membrane")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect("/run/silo/membrane")
    connection.request(
        "POST",
        "/v1/call",
        json.dumps({"step": step, "capability": capability, "arguments": arguments}),
        {"Content-Type": "application/json", "Authorization": f"Bearer {keys.base}", "Silo-Task-Key": keys.task},
    )
    end = json.loads(connection.getresponse().read())
    connection.close()
    return str(end.get("code", end.get("end")))
