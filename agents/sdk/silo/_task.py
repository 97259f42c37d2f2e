"""What a cell is given: the task, in tokens. The wire's side of it is TaskDocument in kernel/abi/messages.ts."""

from datetime import UTC, datetime
from typing import Any, NamedTuple, TypedDict

type Scalar = str | int | float | bool | None
type Json = Scalar | list[Json] | dict[str, Json]


class Handover(NamedTuple):
    """Who had the task before, and why they handed it over."""

    role: str
    reason: str
    recommendation: str
    facts: dict[str, Scalar]


class Task(NamedTuple):
    """One piece of work in a case. `customer` is None where the case has none; `now` is the task's own clock (UTC)."""

    id: str
    case: str
    kind: str
    role: str
    customer: str | None
    fields: dict[str, Scalar]
    text: str
    mode: str
    now: datetime
    history: tuple[Handover, ...]


class Click(TypedDict):
    """A person's click: one function of tools.py and what it is given."""

    tool: str
    arguments: dict[str, Scalar]


class Binding(TypedDict):
    """The answer to a waiting cell: the document and the keys."""

    task: dict[str, Any]
    base_key: str
    task_key: str


def read_task(document: dict[str, Any]) -> Task:
    """The task of a document as the door sends it."""
    return Task(
        id=document["task"],
        case=document["case"],
        kind=document["kind"],
        role=document["role"],
        customer=document["customer"],
        fields=document["fields"],
        text=document["text"],
        mode=document["mode"],
        now=datetime.fromtimestamp(document["now"] / 1000, UTC),
        history=tuple(Handover(**handover) for handover in document["history"]),
    )
