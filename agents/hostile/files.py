"""Attacks on files: the host's, other cells', other bundles', and the cell's own ground."""

import fcntl
import os
import stat
import struct
from pathlib import Path

from attacks import Held, attack
from system import CANARY_FILE, call, entries, read, refuses, write

_AT_FDCWD = -100
_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 1, 32, 4096
_DEVICES = "net/tun fuse mem port kmsg kvm loop-control tpm0 nvme0n1 sda vda mapper/control vhost-vsock uinput".split()
_OPEN_DEVICES = set("full null ptmx random tty urandom zero".split())
"""Those every program may open."""
_TUNSETIFF, _IFF_TUN = 0x400454CA, 1

refuses("host_file", "The host's passwords, by the root of process 1.", lambda: read("/proc/1/root/etc/shadow"))
refuses("host_state", "The state of SiloOS.", lambda: entries("/var/silo/kernel"))
refuses("host_root", "The host's folders, by the root of process 1.", lambda: entries("/proc/1/root/var/silo"))
refuses("host_memory", "The machine's memory, as the kernel shows it.", lambda: read("/proc/kcore"))
refuses("host_symbols", "Where the kernel's functions lie.", lambda: read("/proc/kallsyms"))
refuses("host_config", "How the kernel was built.", lambda: read("/proc/config.gz"))
refuses("host_disks", "What disks the machine has.", lambda: entries("/sys/block"))
refuses("run_host", "What nspawn tells of the host.", lambda: entries("/run/host"))
refuses("product", "The product's own folder.", lambda: entries("/opt/silo"))
refuses("keys_of_processes", "The credentials of the processes outside.", lambda: entries("/run/silo/credentials"))
refuses("other_bundles", "Other roles' bundles.", lambda: entries("/var/silo/bundles"))
refuses("other_cells", "Other cells' sockets.", lambda: entries("/run/silo/cells"))
refuses("canary_file", "A file that everybody on the host may write.", lambda: write(CANARY_FILE))
refuses("canary_climb", "The same, climbing out of /work.", lambda: write(f"/work{'/..' * 16}{CANARY_FILE}"))
refuses("canary_by_process", "The same, by the root of process 1.", lambda: write(f"/proc/1/root{CANARY_FILE}"))
refuses("canary_by_folder", "The same, by the folder of process 1.", lambda: write(f"/proc/1/cwd{CANARY_FILE}"))
refuses("canary_hard_link", "A hard link to it.", lambda: os.link(CANARY_FILE, "/work/hard"))
refuses("tree_hard_link", "A hard link to the tree, to write through.", lambda: os.link("/etc/passwd", "/work/passwd"))
refuses("write_root", "A file in the tree.", lambda: write("/hostile"))
refuses("write_program", "Another program in place of Python.", lambda: write("/usr/bin/python3"))
refuses("write_passwd", "Another user.", lambda: write("/etc/passwd"))
refuses("write_bundle", "Another agent for the next cell.", lambda: write("/bundle/main.py"))
refuses("write_cache", "Bytecode that the next cell would run.", lambda: os.mkdir("/bundle/__pycache__"))
refuses("write_runner", "Another runner.", lambda: write("/usr/lib/silo/cell/run.py"))
refuses("write_sdk", "Another sdk.", lambda: write("/usr/lib/silo/sdk/silo/__init__.py"))
refuses("write_tmp", "A file in /tmp.", lambda: write("/tmp/hostile"))
refuses("write_var_tmp", "A file in /var/tmp.", lambda: write("/var/tmp/hostile"))
refuses("write_shm", "A file in /dev/shm.", lambda: write("/dev/shm/hostile"))
refuses("write_sysctl", "A setting of the kernel.", lambda: write("/proc/sys/kernel/hostname"))
refuses("write_core_pattern", "A program the host starts on a crash.", lambda: write("/proc/sys/kernel/core_pattern"))
refuses("write_helper", "A program the host starts for hot plugging.", lambda: write("/sys/kernel/uevent_helper"))
refuses("write_sysrq", "A crash of the machine.", lambda: write("/proc/sysrq-trigger"))
refuses("write_cgroup", "Another control group.", lambda: write("/sys/fs/cgroup/cgroup.procs"))
refuses("write_release_agent", "A program the host starts for a group.", lambda: write("/sys/fs/cgroup/release_agent"))
refuses("replace_socket", "The membrane, for a socket of its own.", lambda: os.unlink("/run/silo/membrane"))
refuses("host_disk", "A disk of the host, as a device node.", lambda: os.mknod("/work/disk", 0o60600, os.makedev(8, 0)))
refuses("memory_device", "The machine's memory, as a node.", lambda: os.mknod("/work/mem", 0o20600, os.makedev(1, 1)))
refuses("remount", "The tree, writable.", lambda: call(165, b"", b"/", b"", _MS_REMOUNT, b""))
refuses("bind_mount", "The tree, bound elsewhere.", lambda: call(165, b"/", b"/work", b"", _MS_BIND, b""))
refuses("mount_proc", "A /proc of its own.", lambda: call(165, b"proc", b"/work", b"proc", 0, b""))
refuses("mount_tmpfs", "A tmpfs without a size.", lambda: call(165, b"none", b"/work", b"tmpfs", 0, b""))
refuses("unmount", "What a cover hides.", lambda: call(166, b"/sys", 2))
refuses("new_mount", "A file system, by the new calls.", lambda: call(430, b"tmpfs", 0))
refuses("open_tree", "A copy of the tree.", lambda: call(428, _AT_FDCWD, b"/", 1))
refuses("mount_attributes", "The tree, writable, by the new calls.", lambda: call(442, _AT_FDCWD, b"/", 0, b"", 32))
refuses("pivot_root", "Another root.", lambda: call(155, b"/work", b"/work"))
refuses("change_root", "Another root for itself.", lambda: os.chroot("/work"))
refuses("file_handle", "A file of the host by its handle.", lambda: call(304, _AT_FDCWD, b"\x08\0\0\0\x01\0\0\0" + b"\x02" * 8, 0))
refuses("file_capability", "A file that brings capabilities.", lambda: os.setxattr("/work", "security.capability", b"x"))


@attack
def mount_overlay() -> None:
    """The tree, with a layer of its own over it."""
    call(165, b"overlay", b"/work", b"overlay", 0, b"lowerdir=/,upperdir=/work,workdir=/work")


@attack
def canary_symlink() -> None:
    """The host's file, by a link that somebody outside might follow."""
    link = Path("/work/link")
    link.symlink_to(f"/proc/1/root{CANARY_FILE}")
    try:
        write(str(link))
    finally:
        link.unlink()


@attack
def devices() -> str:
    """Every device there is, and those that hosts have."""
    found = [name for name in os.listdir("/dev") if _is_device(f"/dev/{name}") and name not in _OPEN_DEVICES]
    opened = [name for name in {*found, *_DEVICES} if _opens(f"/dev/{name}")]
    if not opened:
        raise Held("NONE_OPENS")
    return ", ".join(opened)


@attack
def tunnel_device() -> None:
    """A network interface of its own."""
    fcntl.ioctl(os.open("/dev/net/tun", os.O_RDWR), _TUNSETIFF, struct.pack("16sH22x", b"hostile", _IFF_TUN))


@attack
def fuse_device() -> None:
    """A file system that the agent itself answers for."""
    device = os.open("/dev/fuse", os.O_RDWR)
    call(165, b"hostile", b"/work", b"fuse", 0, f"fd={device},rootmode=40000,user_id=1000,group_id=1000".encode())


@attack
def inherited_files() -> str:
    """Whatever was open when this process began."""
    own = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    leaked = [os.readlink(path) for path in own if os.path.lexists(path)]
    strange = [path for path in leaked if path.startswith("/") and not path.startswith(("/dev/null", "/proc/", "/work"))]
    if not strange:
        raise Held("NONE")
    return ", ".join(strange)


@attack
def hidden_files() -> str:
    """A file in the tree that tells of the host: another machine id, a key, a log."""
    told = [path for path in ("/etc/machine-id", "/etc/ssh", "/root/.ssh", "/var/log/journal") if _tells(path)]
    if not told:
        raise Held("NONE")
    return ", ".join(told)


def _is_device(path: str) -> bool:
    mode = os.lstat(path).st_mode
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _opens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _tells(path: str) -> bool:
    try:
        return bool(os.listdir(path) if os.path.isdir(path) else Path(path).read_bytes())
    except OSError:
        return False
