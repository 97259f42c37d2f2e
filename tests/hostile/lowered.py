"""Runs attacks in a cell some of whose guards were taken out, so without the probe, which would not let it begin.

Arguments: `filter` or `no-filter`, then names of attacks; without a name, all that need neither the membrane nor another run. Prints what
each got, as JSON.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

no_tls = {"ssl": None}
sys.modules.update(no_tls)
# The second of each is where runsc itself would find them.
sys.path[:0] = ["/bundle", "/usr/lib/silo/sdk", "/usr-lib-silo-sdk", "/usr/lib/silo"]

import main  # noqa: E402
from attacks import Held, attack  # noqa: E402
from system import CANARY_FOLDER, call, read, refuses  # noqa: E402

_FILES = 5_000
_COPY = "/work/program"
_AGENT = 1000
_NOT_HERE = {"leave_everything", "orphan", "passed_descriptor", "standard_output"}
"""The membrane is not there, what is left behind would hold up the end, and what is said is heard."""
_ASK = "import os; print(os.geteuid())"

refuses("closed_file", "A file of the host that root alone may read.", lambda: read(f"{CANARY_FOLDER}/closed/file"))
refuses("own_mount", "A file system of its own.", lambda: call(165, b"none", b"/tmp", b"tmpfs", 0, b""))


@attack
def many_files() -> None:
    """More files than any cell may have."""
    made = []
    try:
        for number in range(_FILES):
            made.append(Path(f"/work/{number}"))
            made[-1].touch()
    finally:
        for path in made:
            path.unlink(missing_ok=True)


@attack
def open_device() -> None:
    """A device, by a node of its own."""
    os.mknod("/work/null", 0o20666, os.makedev(1, 3))
    os.close(os.open("/work/null", os.O_RDWR))


@attack
def setuid_copy() -> None:
    """Root again, by a program that root has left behind."""
    Path(_COPY).write_bytes(Path("/usr/bin/python3").read_bytes())
    os.chown(_COPY, 0, 0)
    os.chmod(_COPY, 0o4755)
    os.setgid(_AGENT)
    os.setuid(_AGENT)
    if subprocess.run([_COPY, "-S", "-c", _ASK], capture_output=True, check=True).stdout.strip() != b"0":
        raise Held("NOBODY")


@attack
def shared_memory_of_host() -> str:
    """Memory that processes of the host share."""
    segments = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    if not segments:
        raise Held("EMPTY")
    return segments[0].strip()


def all_of_this_cell() -> list[str]:
    """Attacks that need nothing but a cell."""
    names = [name for area in main.AREAS if area is not main.membrane for name in main.names_in(area.__name__)]
    return [name for name in names if name not in _NOT_HERE and not name.startswith("left_")]


names = sys.argv[2:] or all_of_this_cell()
got = {}
try:
    if sys.argv[1] == "filter":
        from cell.narrow import narrow

        narrow()
except OSError:
    # Such a cell is never offered.
    got = dict.fromkeys(names, "NOT_SEALED")
print(json.dumps(got or {name: main.attempt(name) for name in names}), flush=True)
