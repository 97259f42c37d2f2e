"""Before a cell is offered: it must fail to reach anything but its socket.

Threat: a host, a tree or a start of the cell that leaves more open than it should, without anybody noticing.
Contract: each check is one guard, tried from inside, as the user the agent will run as.
Failure: the runner ends the cell with the number of the first check that did not hold; it is never offered.
"""

import os
import resource
import socket
from collections.abc import Callable
from functools import partial

_UID = 1000
_READ_ONLY = ("/", "/bundle", "/dev", "/dev/shm", "/run", "/run/silo", "/tmp", "/usr/lib/silo/cell", "/var/tmp")
_FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK)
# What the most generous cell may have (Resources in kernel/abi/messages.ts); jail/limits.ts adds to the address space.
_LIMITS = {
    resource.RLIMIT_AS: 17 * 1024**3,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 1024**3,
    resource.RLIMIT_NOFILE: 4096,
    resource.RLIMIT_NPROC: 512,
}
_STATUS = "CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp".split()


def _is_the_user() -> bool:
    return os.getresuid() == os.getresgid() == (_UID, _UID, _UID) and os.getgroups() == []


def _has_no_powers() -> bool:
    with open("/proc/self/status", encoding="ascii") as lines:
        status = dict(line.split(":", 1) for line in lines)
    return [int(status[name], 16) for name in _STATUS] == [0, 0, 0, 0, 0, 1, 2]


def _has_no_network() -> bool:
    with open("/proc/net/dev", encoding="ascii") as lines:
        interfaces = [line.split(":")[0].strip() for line in lines if ":" in line]
    with open("/proc/net/route", encoding="ascii") as lines:
        routes = lines.readlines()[1:]
    return interfaces == ["lo"] and routes == []


def _makes_no_sockets() -> bool:
    return all(_fails(partial(socket.socket, family, socket.SOCK_DGRAM)) for family in _FAMILIES)


def _makes_no_namespace() -> bool:
    return _fails(partial(os.unshare, os.CLONE_NEWUSER))


def _writes_in_work_alone() -> bool:
    return os.access("/work", os.W_OK) and not any(os.access(path, os.W_OK) for path in _READ_ONLY)


def _sees_its_socket_alone() -> bool:
    try:
        return os.listdir("/run/silo") == ["membrane"]
    except PermissionError:
        return os.access("/run/silo/membrane", os.W_OK)


def _sees_no_other_process() -> bool:
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()} <= {1, os.getpid()}


def _inherits_nothing() -> bool:
    # The fourth is the one that lists them.
    return len(os.listdir("/proc/self/fd")) == 4


def _is_limited() -> bool:
    hard = {limit: resource.getrlimit(limit)[1] for limit in _LIMITS}
    return all(hard[limit] != resource.RLIM_INFINITY and hard[limit] <= most for limit, most in _LIMITS.items())


def _fails(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


CHECKS: tuple[Callable[[], bool], ...] = (
    _is_the_user,
    _has_no_powers,
    _has_no_network,
    _makes_no_sockets,
    _makes_no_namespace,
    _writes_in_work_alone,
    _sees_its_socket_alone,
    _sees_no_other_process,
    _inherits_nothing,
    _is_limited,
)


def first_fault() -> int | None:
    """The place in CHECKS of the first that does not hold, or None: the cell may be offered."""
    return next((place for place, holds in enumerate(CHECKS) if not _tried(holds)), None)


def _tried(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except OSError:
        return False
