"""What runs in a cell, from its start to its end: narrow, probe, wait for the task, then the agent.

Until the task arrives nothing of the bundle has been touched. How it went leaves the cell as an exit code alone.
"""

import sys
from importlib import import_module
from typing import Any

SDK = "/usr/lib/silo/sdk"
BUNDLE = "/bundle"

# A cell has no use for TLS, and loading it would take longer than all else here.
no_tls: dict[str, Any] = {"ssl": None}
sys.modules.update(no_tls)
sys.path[:0] = [SDK, "/usr/lib/silo"]

from cell.narrow import narrow
from cell.probe import first_fault
from silo._door import Door, Silence
from silo._session import Session, begin
from silo._task import Click, Task

del sys.modules["ssl"]

ENDED = 0
AGENT_FAILED = 2
NOT_SEALED = 3
DOOR_SILENT = 4
PROBE_FAILED_FIRST = 64
"""Exit code of a cell whose first check did not hold; the second's is one more, and so on."""


def main() -> int:
    """Runs the cell once and returns its exit code. The first argument names the isolation that holds it."""
    try:
        narrow()
    except OSError:
        return NOT_SEALED
    fault = first_fault(sys.argv[1])
    if fault is not None:
        return PROBE_FAILED_FIRST + fault
    door = Door()
    try:
        door.request("GET", "/v1/probe")
        status, binding = door.request("POST", "/v1/wait", {})
    except Silence:
        return DOOR_SILENT
    if status != 200:
        return DOOR_SILENT
    session = Session(door, binding)
    begin(session)
    return _run_bundle(session.task, binding["task"]["click"])


def _run_bundle(task: Task, click: Click | None) -> int:
    sys.path.insert(0, BUNDLE)
    try:
        if click is None:
            import_module("main").run(task)
        else:
            from cell.click import do_click

            do_click(click["tool"], click["arguments"])
    except Exception:
        return AGENT_FAILED
    return ENDED


if __name__ == "__main__":
    sys.exit(main())
