"""Child of the firewall's tests: packets that no program of ours sends. Node opens no raw socket, so the Python of the cells' tree does it.

`frames INTERFACE MS HEX…` puts frames on a link and prints those that come within MS milliseconds, in hex.
`raw DESTINATION HEX` sends one packet (IPv4 with its header, or ICMPv6) as the user it runs as and prints whether it left.
"""

import json
import socket
import sys
import time

_ETHERNET_ALL = 3


def _frames(interface: str, milliseconds: str, *frames: str) -> list[str]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERNET_ALL)) as link:
        link.bind((interface, 0))
        for frame in frames:
            link.send(bytes.fromhex(frame))
        came: list[str] = []
        until = time.monotonic() + int(milliseconds) / 1000
        while (left := until - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                frame, (_, _, kind, *_) = link.recvfrom(65536)
            except TimeoutError:
                break
            if kind != socket.PACKET_OUTGOING:
                came.append(frame.hex())
        return came


def _raw(destination: str, packet: str) -> bool:
    if ":" in destination:
        way = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        way.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    else:
        way = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with way:
        try:
            way.sendto(bytes.fromhex(packet), socket.getaddrinfo(destination, 0)[0][4])
        except PermissionError:
            return False
        return True


_verb, *_given = sys.argv[1:]
print(json.dumps({"frames": _frames, "raw": _raw}[_verb](*_given)))
