"""The keys of a run: its own, those it was handed by an earlier one, and forgeries."""

import base64
import json
from typing import Any, NamedTuple

from silo._session import current

_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class Keys(NamedTuple):
    """A base key and a task key, as the door sends them."""

    base: str
    task: str


def own_keys() -> Keys:
    """The keys of this very cell, taken from inside the sdk."""
    headers = current().keys
    return Keys(headers["Authorization"].removeprefix("Bearer "), headers["Silo-Task-Key"])


def claims_of(token: str) -> dict[str, Any]:
    """What a key says; no key is needed to read it."""
    claims: dict[str, Any] = _decoded(token.split(".")[1])
    return claims


def forge(token: str, **changed: object) -> str:
    """The token with other claims and the signature it had."""
    head, _, signature = token.split(".")
    return ".".join((head, _encoded(claims_of(token) | changed), signature))


def unsigned(token: str) -> str:
    """The token under a head that says it needs no signature."""
    head, payload, _ = token.split(".")
    return ".".join((_encoded(_decoded(head) | {"alg": "none"}), payload, ""))


def respelled(token: str) -> str:
    """The same token and signature, written otherwise."""
    return f"{token}="


def disguise(token: str) -> str:
    """The token in lower-case letters alone, so that nothing on its way takes a part of it for a phone number."""
    return token.encode().hex().translate(_LETTERS)


def undisguise(letters: str) -> str:
    """The opposite of `disguise`."""
    return bytes.fromhex(letters.translate({after: before for before, after in _LETTERS.items()})).decode()


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encoded(value: object) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
