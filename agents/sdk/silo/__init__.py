"""What an agent can do: read its task, call capabilities, complete or escalate.

    import silo

    def run(task: silo.Task) -> None:
        customer = silo.call("customer:read")
        silo.complete(f"Dear {customer['name']}, …")

Personal data arrives as tokens such as `[NAME_1]`, which stand for the same value in the whole case. Put a token where
the value should stand; the value itself never comes into the cell.
"""

from typing import TYPE_CHECKING

from silo._money import Money, format_money, money
from silo._session import Refused, call, complete, current, escalate, now
from silo._task import Handover, Json, Scalar, Task

if TYPE_CHECKING:
    task: Task
    """The task of this cell, also handed to `run`."""

__all__ = [
    "Handover",
    "Json",
    "Money",
    "Refused",
    "Scalar",
    "Task",
    "call",
    "complete",
    "escalate",
    "format_money",
    "money",
    "now",
    "task",
]


def __getattr__(name: str) -> object:
    if name != "task":
        raise AttributeError(f"The package silo has no {name!r}.")
    return current().task
