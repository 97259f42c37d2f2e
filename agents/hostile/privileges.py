"""Attacks on privileges: another user, capabilities, namespaces, and parts of the kernel that no agent needs."""

import ctypes
import os
import signal
import socket
import struct
import subprocess

from attacks import Held, attack
from system import call, refuses

_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_READ, _PR_CAP_AMBIENT = 38, 23, 47
_PR_CAP_AMBIENT_RAISE, _CAP_SYS_ADMIN, _CAPABILITIES = 2, 21, 41
_KEY_SESSION, _KEYCTL_JOIN, _KEYCTL_SEARCH = -3, 1, 10
_ADDR_NO_RANDOMIZE = 0x0040000
_SETUID_PLACES = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec")
_LIBC = ctypes.CDLL(None, use_errno=True)

refuses("become_root", "Root, by asking.", lambda: os.setuid(0))
refuses("become_root_group", "Root's group.", lambda: os.setgid(0))
refuses("become_other", "The user of another cell.", lambda: os.setresuid(2000, 2000, 2000))
refuses("join_groups", "The groups of the membrane.", lambda: os.setgroups([0, 990]))
refuses("capabilities", "All capabilities.", lambda: call(126, struct.pack("Ii", 0x20080522, 0), b"\xff" * 24))
refuses("ambient_capability", "A capability for what it starts.", lambda: _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_SYS_ADMIN))
refuses("new_privileges", "A way to more privileges again.", lambda: _prctl(_PR_SET_NO_NEW_PRIVS, 0))
refuses("user_namespace", "A user namespace, where it would be root.", lambda: os.unshare(os.CLONE_NEWUSER))
refuses("mount_namespace", "A mount namespace.", lambda: os.unshare(os.CLONE_NEWNS))
refuses("network_namespace", "A network of its own.", lambda: os.unshare(os.CLONE_NEWNET))
refuses("enter_namespace", "The namespaces of process 1.", lambda: os.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0))
refuses("enter_by_process", "The same, by a descriptor of the process.", lambda: os.setns(os.pidfd_open(1), os.CLONE_NEWNS))
refuses("keyring", "Keys of the host, in the session it began with.", lambda: call(250, _KEYCTL_SEARCH, _KEY_SESSION, b"user", b"silo-canary", 0))
refuses("keyring_join", "The session of another process.", lambda: call(250, _KEYCTL_JOIN, b"_ses"))
refuses("key_left", "A key that stays.", lambda: call(248, b"user", b"silo-hostile", b"x", 1, -4))
refuses("key_request", "A program the host starts for a key.", lambda: call(249, b"user", b"silo-hostile", b"x", -4))
refuses("bpf", "A program in the kernel.", lambda: call(321, 0, b"\0" * 64, 64))
refuses("perf", "What the processor does for others.", lambda: call(298, b"\0" * 112, 0, -1, -1, 0))
refuses("userfaultfd", "To hold the kernel up in the middle.", lambda: call(323, 0))
refuses("io_uring", "Calls that no filter sees.", lambda: call(425, 8, b"\0" * 120))
refuses("io_uring_register", "The same, by its second door.", lambda: call(427, -1, 0, None, 0))
refuses("asynchronous_io", "The older way to the same.", lambda: call(206, 8, b"\0" * 8))
refuses("load_module", "Code in the kernel.", lambda: call(175, b"\x7fELF", 4, b""))
refuses("load_module_file", "The same, from a file.", lambda: call(313, 0, b"", 0))
refuses("remove_module", "A guard that is a module, away.", lambda: call(176, b"nf_tables", 0))
refuses("other_kernel", "Another kernel.", lambda: call(246, 0, 0, None, 0))
refuses("reboot", "The end of the machine.", lambda: call(169, 0xFEE1DEAD, 672274793, 0x1234567, 0))
refuses("swap_off", "The machine's swap.", lambda: call(168, b"/dev/sda"))
refuses("accounting", "A list of all processes that end.", lambda: call(163, b"/work/accounting"))
refuses("personality", "Addresses that can be foretold.", lambda: call(135, _ADDR_NO_RANDOMIZE))
refuses("ports", "The machine's ports.", lambda: call(172, 3))
refuses("port_range", "Some of them.", lambda: call(173, 0x70, 2, 1))
refuses("segments", "Descriptors of its own in the processor's table.", lambda: call(154, 1, b"\0" * 16, 16))
refuses("kernel_log", "The kernel's log.", lambda: call(103, 3, ctypes.create_string_buffer(4096), 4096))
refuses("watch_files", "What others do with files.", lambda: call(300, 0, 0))
refuses("host_name", "Another name for the machine.", lambda: socket.sethostname("hostile"))
refuses("domain_name", "Another domain.", lambda: call(171, b"hostile", 7))
refuses("clock", "Another time, so that keys live on.", lambda: call(227, 0, struct.pack("qq", 0, 0)))
refuses("clock_adjust", "A faster clock.", lambda: call(159, b"\x01" + b"\0" * 207))
refuses("time_of_day", "Another time, by the old call.", lambda: call(164, struct.pack("qq", 0, 0), None))
refuses("syscall_filter", "Another filter in place of this one.", lambda: call(317, 0, 0, None))
refuses("landlock", "The kernel's own sandbox, for a bug in it.", lambda: call(444, None, 0, 1))
refuses("memory_file", "A file that is on no disk, to run.", lambda: os.memfd_create("hostile"))
refuses("secret_memory", "Memory that nobody can look into.", lambda: call(447, 0))
refuses("machine_size", "How much memory the machine has, and uses.", lambda: call(99, ctypes.create_string_buffer(128)))
refuses("memory_policy", "Memory near another's.", lambda: call(237, None, 0, 0, None, 0, 0))


@attack
def clone_namespace() -> None:
    """A child in a user namespace."""
    if call(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)


@attack
def clone_namespace_anew() -> None:
    """The same by the newer call, which a filter cannot look into."""
    arguments = struct.pack("8Q", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    if call(435, arguments, len(arguments)) == 0:
        os._exit(0)


@attack
def setuid_program() -> str:
    """Root, by each program of the tree that would give it."""
    programs = [entry.path for place in _SETUID_PLACES for entry in _programs(place) if entry.stat().st_mode & 0o6000]
    for program in programs:
        got = subprocess.run([program, "-c", "id -u"], capture_output=True, stdin=subprocess.DEVNULL, timeout=5)
        if got.stdout.strip() == b"0":
            return program
    raise Held("NONE_GIVES")


@attack
def bounding_set() -> str:
    """A capability that is left in reach."""
    left = [number for number in range(_CAPABILITIES) if _LIBC.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1]
    if not left:
        raise Held("NONE_LEFT")
    return str(left)


def _programs(place: str) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(place) if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []


def _prctl(*arguments: int) -> None:
    if _LIBC.prctl(*arguments, *[0] * (5 - len(arguments))) != 0:
        raise OSError(ctypes.get_errno(), "")
