"""The cell's own syscall filter: what is not listed here does not exist for an agent.

Threat: a bug of the host kernel in a system call that no agent needs; sockets that network namespaces do not fence
(AF_VSOCK reaches the hypervisor); a nested user namespace, which brings capabilities back.
Contract: after `narrow()` this process, its threads and all it ever starts can make the listed calls alone, sockets of
family AF_UNIX alone, and no new namespace. It cannot be undone (no-new-privileges is already set).
Failure: raises OSError; the runner ends the cell before it is offered.
"""

import ctypes
import errno
import struct

_FILES = {
    "read": 0, "write": 1, "readv": 19, "writev": 20, "pread64": 17, "pwrite64": 18, "preadv": 295, "pwritev": 296,
    "open": 2, "openat": 257, "close": 3, "close_range": 436, "lseek": 8, "sendfile": 40, "copy_file_range": 326,
    "ftruncate": 77, "truncate": 76, "fallocate": 285, "fsync": 74, "fdatasync": 75, "fadvise64": 221, "flock": 73,
    "stat": 4, "fstat": 5, "lstat": 6, "newfstatat": 262, "statx": 332, "access": 21, "faccessat": 269,
    "faccessat2": 439, "readlink": 89, "readlinkat": 267, "getdents64": 217, "statfs": 137, "fstatfs": 138,
    "getcwd": 79, "chdir": 80, "fchdir": 81, "umask": 95, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "unlink": 87,
    "unlinkat": 263, "rename": 82, "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265, "symlink": 88,
    "symlinkat": 266, "chmod": 90, "fchmod": 91, "fchmodat": 268, "utimensat": 280, "getxattr": 191,
    "lgetxattr": 192, "fgetxattr": 193, "listxattr": 194, "llistxattr": 195, "flistxattr": 196,
}  # fmt: skip
_DESCRIPTORS = {
    "dup": 32, "dup2": 33, "dup3": 292, "fcntl": 72, "ioctl": 16, "pipe": 22, "pipe2": 293, "eventfd2": 290,
    "poll": 7, "ppoll": 271, "select": 23, "pselect6": 270, "epoll_create1": 291, "epoll_ctl": 233,
    "epoll_wait": 232, "epoll_pwait": 281,
}  # fmt: skip
_MEMORY = {
    "brk": 12, "mmap": 9, "munmap": 11, "mremap": 25, "mprotect": 10, "madvise": 28, "msync": 26, "mincore": 27,
    "membarrier": 324,
}  # fmt: skip
_SOCKETS = {
    "connect": 42, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "shutdown": 48, "getsockname": 51,
    "getpeername": 52, "setsockopt": 54, "getsockopt": 55,
}  # fmt: skip
_PROCESSES = {
    "vfork": 58, "fork": 57, "execve": 59, "exit": 60, "exit_group": 231, "wait4": 61, "waitid": 247,
    "set_tid_address": 218, "set_robust_list": 273, "get_robust_list": 274, "futex": 202, "rseq": 334,
    "arch_prctl": 158, "prctl": 157, "sched_yield": 24, "sched_getaffinity": 204, "sched_setaffinity": 203,
    "sched_getparam": 143, "sched_getscheduler": 145, "getpriority": 140, "setpriority": 141, "pidfd_open": 434,
    "pidfd_send_signal": 424, "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigaction": 13, "rt_sigprocmask": 14,
    "rt_sigreturn": 15, "rt_sigpending": 127, "rt_sigtimedwait": 128, "rt_sigsuspend": 130, "sigaltstack": 131,
    "alarm": 37, "setitimer": 38, "getitimer": 36, "pause": 34, "restart_syscall": 219,
}  # fmt: skip
_ITSELF = {
    "getpid": 39, "getppid": 110, "gettid": 186, "getuid": 102, "geteuid": 107, "getgid": 104, "getegid": 108,
    "getresuid": 118, "getresgid": 120, "getgroups": 115, "getpgrp": 111, "getpgid": 121, "setpgid": 109,
    "getsid": 124, "setsid": 112, "uname": 63, "times": 100, "getrusage": 98, "getrlimit": 97,
    "setrlimit": 160, "prlimit64": 302, "getcpu": 309,
}  # fmt: skip
_TIME = {
    "time": 201, "gettimeofday": 96, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230,
    "nanosleep": 35, "getrandom": 318,
}  # fmt: skip

ALLOWED = (
    (_FILES, "Agents read the tree and their bundle and write below /work; which files that reaches, mounts decide."),
    (_DESCRIPTORS, "Pipes and waiting, for subprocess, asyncio and selectors; how many, RLIMIT_NOFILE decides."),
    (_MEMORY, "The allocator, and mapping the interpreter's own libraries; how much, RLIMIT_AS decides."),
    (_SOCKETS, "The way to the membrane. No bind and no listen: nobody calls an agent."),
    (_PROCESSES, "Threads, multiprocessing, signals among the cell's own; how many, RLIMIT_NPROC decides."),
    (_ITSELF, "The interpreter asks at its start and for the os module."),
    (_TIME, "Clocks are read and slept on, never set."),
)
"""System calls by number (x86-64, arch/x86/entry/syscalls/syscall_64.tbl) and why an agent may make them."""

SOCKET_CALLS = {"socket": 41, "socketpair": 53}
"""Allowed for AF_UNIX alone: other families end EAFNOSUPPORT."""

CLONE = 56
"""Allowed without the flags that make a namespace: those end EPERM."""

FIRST_NEW = 335
"""From here on what is not listed ends ENOSYS: libraries then fall back to an older call (clone3 to clone)."""

_ARCH_X86_64 = 0xC000003E
_X32_BIT = 0x40000000
_NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x80
_AF_UNIX = 1

# seccomp_data(2): nr at 0, arch at 4, the low half of the first argument at 16.
_NR, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_LOAD, _RETURN, _EQUAL, _ANY_BIT, _AT_LEAST = 0x20, 0x06, 0x15, 0x45, 0x35
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

type Instruction = tuple[int, int, int, int]


def program() -> list[Instruction]:
    """The filter as classic BPF (code, jump if true, jump if false, value)."""
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        *_end_unless(_EQUAL, _ARCH_X86_64, _KILL),
        (_LOAD, 0, 0, _NR),
        *_end_if(_AT_LEAST, _X32_BIT, _KILL),
    ]
    for calls, _ in ALLOWED:
        for number in calls.values():
            code += _end_if(_EQUAL, number, _ALLOW)
    for number in SOCKET_CALLS.values():
        code += _judge(number, (_EQUAL, 0, 1, _AF_UNIX), _ALLOW, _ERROR | errno.EAFNOSUPPORT)
    code += _judge(CLONE, (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _ERROR | errno.EPERM, _ALLOW)
    code += _end_if(_AT_LEAST, FIRST_NEW, _ERROR | errno.ENOSYS)
    return [*code, (_RETURN, 0, 0, _ERROR | errno.EPERM)]


def _end_if(test: int, value: int, end: int) -> list[Instruction]:
    return [(test, 0, 1, value), (_RETURN, 0, 0, end)]


def _end_unless(test: int, value: int, end: int) -> list[Instruction]:
    return [(test, 1, 0, value), (_RETURN, 0, 0, end)]


def _judge(number: int, test: Instruction, if_true: int, if_false: int) -> list[Instruction]:
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        test,
        (_RETURN, 0, 0, if_true),
        (_RETURN, 0, 0, if_false),
    ]


_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2


def narrow() -> None:
    """Puts the filter in force for this process and all its threads to come."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program())
    buffer = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, described, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "The syscall filter could not be put in force.")
