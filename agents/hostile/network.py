"""Attacks on the network: the host's, the world's, other processes' sockets, and a name that leaves by way of DNS."""

import array
import contextlib
import os
import socket
import struct

from attacks import Held, attack
from system import CANARY_ABSTRACT, CANARY_NAME, CANARY_PORT, CANARY_SOCKET, DNS_PORT, call, refuses

_SECONDS = 1.0
_HOST, _WORLD, _METADATA = "127.0.0.1", "192.0.2.1", "169.254.169.254"
_HYPERVISOR_CID = 2
_SOCKETS_OF_HOSTS = (
    "/run/systemd/private", "/run/systemd/journal/socket", "/run/systemd/notify", "/run/host/notify",
    "/run/dbus/system_bus_socket", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/nscd/socket",
    "/var/run/postgresql/.s.PGSQL.5432", "/run/silo/kernel/door/socket", "/run/silo/vault/door/socket",
    "/run/silo/jailer/kernel/socket", "/run/silo/kernel/console/socket", "/run/silo/ingress/vault/socket",
)  # fmt: skip


def connect(family: int, address: object, kind: int = socket.SOCK_STREAM) -> None:
    """Connects, and says a word there."""
    with socket.socket(family, kind) as sock:
        sock.settimeout(_SECONDS)
        sock.connect(address)
        with contextlib.suppress(OSError):
            sock.send(b"hostile")


def send(family: int, address: object, data: bytes = b"hostile") -> None:
    """Sends one datagram; whether it arrives, the host knows."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.sendto(data, address)


def question(name: str) -> bytes:
    """A DNS query for an address (RFC 1035)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 0x5110, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)


refuses("tcp_host", "A listener on the host.", lambda: connect(socket.AF_INET, (_HOST, CANARY_PORT)))
refuses("tcp_ingress", "The appliance's own front.", lambda: connect(socket.AF_INET, (_HOST, 8443)))
refuses("tcp_world", "A machine elsewhere.", lambda: connect(socket.AF_INET, (_WORLD, 443)))
refuses("tcp_metadata", "What a cloud tells its machines.", lambda: connect(socket.AF_INET, (_METADATA, 80)))
refuses("tcp_sixth", "A listener on the host, by IPv6.", lambda: connect(socket.AF_INET6, ("::1", CANARY_PORT)))
refuses("tcp_mapped", "The same, with an older address in it.", lambda: connect(socket.AF_INET6, ("::ffff:127.0.0.1", CANARY_PORT)))
refuses("udp_host", "A datagram to the host.", lambda: send(socket.AF_INET, (_HOST, CANARY_PORT)))
refuses("udp_world", "A datagram elsewhere.", lambda: send(socket.AF_INET, (_WORLD, CANARY_PORT)))
refuses("udp_sixth", "A datagram by IPv6, to all nodes.", lambda: send(socket.AF_INET6, ("ff02::1", CANARY_PORT)))
refuses("dns_host", "A name, asked of the host.", lambda: send(socket.AF_INET, (_HOST, DNS_PORT), question(CANARY_NAME)))
refuses("dns_stub", "A name, asked of systemd's.", lambda: send(socket.AF_INET, ("127.0.0.53", DNS_PORT), question(CANARY_NAME)))
refuses("icmp", "A ping.", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
refuses("raw_socket", "A raw socket.", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
refuses("packet_socket", "A packet socket.", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
refuses("netlink", "The kernel's own interfaces.", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
refuses("netlink_audit", "The kernel's audit.", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9))
refuses("hypervisor", "The machine below this one.", lambda: connect(socket.AF_VSOCK, (_HYPERVISOR_CID, 1024)))
refuses("kernel_crypto", "The kernel's cryptography.", lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET))
refuses("bluetooth", "A radio.", lambda: socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, 1))
refuses("can_bus", "A vehicle's bus.", lambda: socket.socket(socket.AF_CAN, socket.SOCK_RAW, 1))
refuses("cluster", "Another node's kernel.", lambda: socket.socket(socket.AF_TIPC, socket.SOCK_RDM))
refuses("express_path", "The network card itself.", lambda: call(41, 44, 3, 0))
refuses("abstract_socket", "A socket of the host that has no file.", lambda: connect(socket.AF_UNIX, CANARY_ABSTRACT))
refuses("abstract_datagram", "A datagram to one.", lambda: connect(socket.AF_UNIX, CANARY_ABSTRACT, socket.SOCK_DGRAM))
refuses("path_socket", "A socket of the host, open to all.", lambda: connect(socket.AF_UNIX, CANARY_SOCKET))
refuses("socket_by_process", "The same, by the root of process 1.", lambda: connect(socket.AF_UNIX, f"/proc/1/root{CANARY_SOCKET}"))
refuses("listen", "A socket for others to call.", lambda: socket.socket(socket.AF_UNIX).bind("/work/socket"))
refuses("listen_abstract", "One that has no file.", lambda: socket.socket(socket.AF_UNIX).bind("\0silo-hostile"))
refuses("listen_unnamed", "One that the kernel names.", lambda: socket.socket(socket.AF_UNIX).listen())


@attack
def dns_library() -> None:
    """A name, as every program asks for one."""
    try:
        socket.getaddrinfo(CANARY_NAME, 443)
    except socket.gaierror as error:
        raise Held("NO_ANSWER") from error


@attack
def sockets_of_processes() -> str:
    """Each socket that processes of a host, or of SiloOS, listen on."""
    reached = [path for path in _SOCKETS_OF_HOSTS if _answers(path)]
    if not reached:
        raise Held("NONE_ANSWERS")
    return ", ".join(reached)


@attack
def passed_descriptor() -> None:
    """A descriptor, handed to the door: whoever takes it holds what the cell opened."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("/run/silo/membrane")
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [os.open("/bundle", os.O_PATH)]))
        sock.sendmsg([b"GET /v1/nothing HTTP/1.1\r\nHost: membrane\r\n\r\n"], [rights])
        sock.settimeout(5)
        answer, sent_back, _, _ = sock.recvmsg(65_536, socket.CMSG_SPACE(4))
    if sent_back:
        return
    raise Held("UNKNOWN_PATH" if b"UNKNOWN_PATH" in answer else "CLOSED")


def _answers(path: str) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            connect(socket.AF_UNIX, path, kind)
        except OSError:
            continue
        return True
    return False
