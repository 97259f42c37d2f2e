"""Before a cell is offered: it must fail to reach anything but its socket.

Threat: a host, a tree or a start of the cell that leaves more open than it should, without anybody noticing.
Contract: each check is one guard, tried from inside, as the user the agent will run as.
Failure: the runner ends the cell with the number of the first check that did not hold; it is never offered.
"""

import ctypes
import os
import resource
import socket
from collections.abc import Callable
from functools import partial

_UID = 1000
_READ_ONLY = ("/", "/bundle", "/dev", "/dev/shm", "/run", "/run/silo", "/tmp", "/usr/lib/silo/cell", "/var/tmp")
_FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK)
_MEMBRANE = "/run/silo/membrane"
# What the most generous cell may have (Resources in kernel/abi/messages.ts); jail/limits.ts adds to the address space.
_LIMITS = {
    resource.RLIMIT_AS: 17 * 1024**3,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 1024**3,
    resource.RLIMIT_NOFILE: 4096,
    resource.RLIMIT_NPROC: 512,
}
# Below /proc; a link leads to the asking process's own.
_OWN_PROC = {"self", "thread-self", "net", "mounts"}
# What each isolation makes up itself. Of the machine it tells the kind of processor and the size of memory.
_EMULATED = {
    "gvisor": set("bus cgroups cmdline cpuinfo filesystems fs irq loadavg meminfo sentry-meminfo stat sys sysrq-trigger uptime version".split()),
    "nspawn": set[str](),
}
# Ambient ones are among the permitted.
_CAPABILITIES = "CapInh CapPrm CapEff CapBnd".split()
_PR_GET_SECCOMP, _PR_GET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 21, 39, 2


def _is_the_user(_: str) -> bool:
    return os.getresuid() == os.getresgid() == (_UID, _UID, _UID) and os.getgroups() == []


def _has_no_powers(_: str) -> bool:
    with open("/proc/self/status", encoding="ascii") as lines:
        status = dict(line.split(":", 1) for line in lines)
    if any(int(status[name], 16) != 0 for name in _CAPABILITIES):
        return False
    ask = ctypes.CDLL(None).prctl
    return ask(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 and ask(_PR_GET_SECCOMP, 0, 0, 0, 0) == _SECCOMP_MODE_FILTER


def _has_no_network(_: str) -> bool:
    with open("/proc/net/dev", encoding="ascii") as lines:
        interfaces = [line.split(":")[0].strip() for line in lines if ":" in line]
    with open("/proc/net/route", encoding="ascii") as lines:
        routes = lines.readlines()[1:]
    return interfaces == ["lo"] and routes == []


def _makes_no_sockets(_: str) -> bool:
    return all(_fails(partial(socket.socket, family, socket.SOCK_DGRAM)) for family in _FAMILIES)


def _makes_no_namespace(_: str) -> bool:
    return _fails(partial(os.unshare, os.CLONE_NEWUSER))


def _writes_in_work_alone(_: str) -> bool:
    return os.access("/work", os.W_OK) and not any(os.access(path, os.W_OK) for path in _READ_ONLY)


def _sees_its_socket_alone(_: str) -> bool:
    try:
        return os.listdir("/run/silo") == ["membrane"]
    except PermissionError:
        # The door keeps the folder's list to itself, so that what is there must be known by name.
        with socket.socket(socket.AF_UNIX) as way:
            way.connect(_MEMBRANE)
        return True


def _is_held_by(isolation: str) -> bool:
    return os.path.exists("/proc/sentry-meminfo") == (isolation == "gvisor")


def _sees_nothing_of_the_machine(isolation: str) -> bool:
    own = _OWN_PROC | _EMULATED[isolation]
    told = [f"/proc/{name}" for name in os.listdir("/proc") if not name.isdecimal() and name not in own]
    return all(_is_hidden(path) for path in (*told, "/sys", "/run/host"))


def _is_hidden(path: str) -> bool:
    try:
        return not (os.listdir(path) if os.path.isdir(path) else _first_byte(path))
    except OSError:
        return True


def _first_byte(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read(1)


def _sees_no_other_process(_: str) -> bool:
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()} <= {1, os.getpid()}


def _inherits_nothing(_: str) -> bool:
    # The fourth is the one that lists them.
    return len(os.listdir("/proc/self/fd")) == 4


def _is_limited(_: str) -> bool:
    hard = {limit: resource.getrlimit(limit)[1] for limit in _LIMITS}
    return all(hard[limit] != resource.RLIM_INFINITY and hard[limit] <= most for limit, most in _LIMITS.items())


def _fails(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


CHECKS: tuple[Callable[[str], bool], ...] = (
    _is_held_by,
    _is_the_user,
    _has_no_powers,
    _has_no_network,
    _makes_no_sockets,
    _makes_no_namespace,
    _writes_in_work_alone,
    _sees_its_socket_alone,
    _sees_nothing_of_the_machine,
    _sees_no_other_process,
    _inherits_nothing,
    _is_limited,
)


def first_fault(isolation: str) -> int | None:
    """The place in CHECKS of the first that does not hold, or None: the cell may be offered."""
    return next((place for place, holds in enumerate(CHECKS) if not _tried(holds, isolation)), None)


def _tried(check: Callable[[str], bool], isolation: str) -> bool:
    try:
        return check(isolation)
    except OSError:
        return False
