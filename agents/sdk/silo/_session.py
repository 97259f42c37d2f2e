"""One cell's conversation with the membrane: the keys, the count of steps, and what the agent may say."""

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from silo._door import Door, Silence
from silo._task import Binding, Json, Scalar, read_task

_BACK_OFF_SECONDS_FIRST = 0.05
_BACK_OFF_SECONDS_MAX = 2.0


class Refused(Exception):
    """A final no. `code` is stable, `message` says what can be done about it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Session:
    """Keys and steps of one task. A call that gets no final answer is asked again as the SAME step, so that it is the
    same call to the membrane; the cell's deadline, kept outside, is what ends the asking."""

    def __init__(self, door: Door, binding: Binding) -> None:
        document = binding["task"]
        self.task = read_task(document)
        self.keys = {"Authorization": f"Bearer {binding['base_key']}", "Silo-Task-Key": binding["task_key"]}
        self._door = door
        self._next_step: int = document["first_step"]
        self._turn = threading.Lock()

    def call(self, capability: str, arguments: Mapping[str, Json]) -> Any:
        with self._turn:
            step = self._next_step
            self._next_step += 1
            return self._ask("/v1/call", {"step": step, "capability": capability, "arguments": arguments})

    def end(self, path: str, body: Mapping[str, object]) -> None:
        with self._turn:
            self._ask(path, body)

    def _ask(self, path: str, body: Mapping[str, object]) -> Any:
        wait = _BACK_OFF_SECONDS_FIRST
        while True:
            try:
                answer = self._door.request("POST", path, body, self.keys)[1]
                if answer.get("end") == "done":
                    return answer["value"]
                if answer.get("end") != "later":
                    raise Refused(str(answer.get("code")), str(answer.get("message")))
            except Silence:
                pass
            time.sleep(wait)
            wait = min(wait * 2, _BACK_OFF_SECONDS_MAX)


_session: Session | None = None


def begin(session: Session) -> None:
    """Makes `session` the one of this cell; the runner calls it once."""
    global _session
    _session = session


def current() -> Session:
    """The session of this cell. Raises RuntimeError outside a cell."""
    if _session is None:
        raise RuntimeError("There is no task: this does not run in a cell.")
    return _session


def call(capability: str, /, **arguments: Json) -> Any:
    """Does `capability`, for example `call("refund:create", order="O1", amount=24750, …)`, and returns its result
    in the form the operation declares. Customer and case are the task's own and cannot be named. Raises `Refused`.
    """
    return current().call(capability, arguments)


def complete(text: str, /, **fields: Scalar) -> None:
    """Ends the task with an answer; tokens in it become values for the frontend that asked. Raises `Refused`."""
    current().end("/v1/complete", {"text": text, "fields": fields})


def escalate(reason: str, recommendation: str, /, **facts: Scalar) -> None:
    """Hands the task over; who takes it is decided outside. `facts` are what they then need. Raises `Refused`."""
    current().end("/v1/escalate", {"reason": reason, "recommendation": recommendation, "facts": facts})


def now() -> datetime:
    """The task's own clock (UTC). It stands still: a re-run of the task reads the same time."""
    return current().task.now
