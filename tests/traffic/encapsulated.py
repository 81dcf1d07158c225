"""A capture of everything that packets are wrapped in, as far as argus 3.0.8 reads it too.

Each wrapping has hosts of its own and carries the same conversations: TCP from SYN to FIN, UDP, DNS, ping. Then come
protocols with flows of their own kind: fragments, ICMP errors, IGMP, ESP, RTP, neighbour discovery, ARP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.traffic import encapsulations as e
from tests.traffic.dns import dns_query
from tests.traffic.packets import (
    CLIENT_MAC,
    SERVER_MAC,
    arp_frame,
    echo_frame,
    ethernet,
    frame,
    icmp_error_frame,
    icmp_frame,
    ip,
    ipv4,
    ipv6_extension,
    tcp,
    tcp_options,
    udp,
    udp_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Wrap = Callable[[bytes, bool], bytes]

START = 1_790_000_000 * 10**9
STEP = 103_000_000  # ns between packets
ENTRY, EXIT = "192.0.2.1", "192.0.2.2"
INNER_MACS = ("04:00:00:00:00:01", "04:00:00:00:00:02")


def between(packet: bytes, back: bool, ethertype: int | None = None) -> bytes:
    """A frame there or back."""
    macs = (SERVER_MAC, CLIENT_MAC) if back else (CLIENT_MAC, SERVER_MAC)
    return frame(packet, source_mac=macs[0], destination_mac=macs[1], ethertype=ethertype)


def conversations(client: str, server: str) -> Iterator[tuple[bytes, bool]]:
    """IP packets, and whether each goes back."""

    def segment(back: bool, flags: str, sequence: int, acknowledgement: int = 0, payload: bytes = b"") -> bytes:
        ends = (server, client, 80, 4000) if back else (client, server, 4000, 80)
        options = tcp_options(maximum_segment=1460, window_scale=2) if "S" in flags else b""
        carried = tcp(
            *ends,
            flags=flags,
            sequence=sequence,
            acknowledgement=acknowledgement,
            window=2000 if back else 1000,
            options=options,
            payload=payload,
        )
        return ip(carried, *ends[:2], 6, identification=sequence % 60000)

    yield segment(False, "S", 100), False
    yield segment(True, "SA", 500, 101), True
    yield segment(False, "A", 101, 501), False
    yield segment(False, "PA", 101, 501, b"x" * 100), False
    yield segment(True, "PA", 501, 201, b"y" * 300), True
    yield segment(False, "FA", 201, 801), False
    yield segment(True, "FA", 801, 202), True
    yield segment(False, "A", 202, 802), False
    yield ip(udp(client, server, 5000, 6000, b"u" * 40), client, server, 17), False
    yield ip(udp(server, client, 6000, 5000, b"v" * 50), server, client, 17), True
    yield ip(udp(client, server, 5001, 53, dns_query(77, "a.example")), client, server, 17), False
    yield echo_frame(client, server, 9, 1, b"ping")[14:], False
    yield echo_frame(server, client, 9, 1, b"ping", reply=True)[14:], True


def tunnelled(payload: bytes, back: bool) -> bytes:
    """A frame with GRE between the ends of the tunnel."""
    ends = (EXIT, ENTRY) if back else (ENTRY, EXIT)
    return between(ip(payload, *ends, e.PROTOCOL_GRE), back)


def bridged(packet: bytes, back: bool) -> bytes:
    """A frame inside a tunnel."""
    macs = INNER_MACS[::-1] if back else INNER_MACS
    return frame(packet, source_mac=macs[0], destination_mac=macs[1])


def with_snap(packet: bytes, back: bool) -> bytes:
    """802.3 with SNAP."""
    macs = (SERVER_MAC, CLIENT_MAC) if back else (CLIENT_MAC, SERVER_MAC)
    return e.ieee8023(e.snap(packet, e.ethertype_of(packet)), source=macs[0], destination=macs[1])


def tagged(packet: bytes, back: bool, *vlans: int, ethertype: int | None = None) -> bytes:
    """802.1Q tags."""
    macs = (SERVER_MAC, CLIENT_MAC) if back else (CLIENT_MAC, SERVER_MAC)
    return frame(packet, vlans=vlans, source_mac=macs[0], destination_mac=macs[1], ethertype=ethertype)


def extended(packet: bytes, back: bool, kind: int) -> bytes:
    """An IPv6 extension header put into a packet."""
    body = b"\x02\0\0\0\0\0" if kind == 43 else b"\x01\x04\0\0\0\0"
    payload = ipv6_extension(packet[40:], packet[6], body)
    length = len(payload).to_bytes(2, "big")
    return between(packet[:4] + length + bytes((kind,)) + packet[7:40] + payload, back)


WRAPPINGS: dict[str, Wrap] = {
    "plain": between,
    "vlan": lambda packet, back: tagged(packet, back, 100),
    "two vlans": lambda packet, back: tagged(packet, back, 100, 200),
    "snap": with_snap,
    "mpls": lambda packet, back: between(e.mpls(packet, 1000 + back), back, 0x8847),
    "mpls stack": lambda packet, back: between(e.mpls(packet, 1000, 2000), back, 0x8847),
    "vlan and mpls": lambda packet, back: tagged(e.mpls(packet, 1000), back, 5, ethertype=0x8847),
    "pppoe": lambda packet, back: between(e.pppoe(e.ppp(packet)), back, 0x8864),
    "gre": lambda packet, back: tunnelled(e.gre(packet, e.ethertype_of(packet)), back),
    "gre with key": lambda packet, back: tunnelled(e.gre(packet, e.ethertype_of(packet), key=42, sequence=5), back),
    "gre with checksum": lambda packet, back: tunnelled(e.gre(packet, e.ethertype_of(packet), checksum=True), back),
    "gre of ethernet": lambda packet, back: tunnelled(e.gre(bridged(packet, back), 0x6558), back),
    "erspan 2": lambda packet, back: tunnelled(e.gre(e.erspan2(bridged(packet, back), 10), 0x88BE, sequence=5), back),
}
EXTENSIONS = {"hop by hop": 0, "routing": 43, "destination": 60}


def others() -> Iterator[bytes]:
    """Frames of protocols with flows of their own kind."""
    client, server, router = "10.200.1.1", "10.200.2.2", "192.0.2.254"
    whole = udp(client, server, 1111, 2222, b"f" * 4000)
    for offset in range(0, len(whole), 1400):
        part = whole[offset : offset + 1400]
        more = offset + 1400 < len(whole)
        yield frame(ipv4(part, client, server, 17, identification=99, more_fragments=more, fragment_offset=offset))
    unknown = "203.0.113.9"
    for port, (kind, code) in enumerate(((3, 0), (3, 1), (3, 3), (3, 13), (11, 0), (5, 1)), 5000):
        sent = udp_frame(client, unknown, port, 9999, b"hello")
        yield sent
        yield icmp_error_frame(router, client, kind, code, sent[14:])
    for group, message in (("239.1.1.2", b"\x16"), ("224.0.0.2", b"\x17")):
        yield frame(ip(message + b"\0\0\0\xef\1\1\2", client, group, 2, ttl=1))
    for number in (1, 2, 3, 4):
        yield frame(ip(e.esp(0xC1D2E3F4, number), client, server, 50))
        yield between(ip(e.esp(0xD1E2F3A4, number), server, client, 50), True)
    near, far = "fe80::1", "fe80::2"
    target = bytes(4) + bytes.fromhex("fe80" + "00" * 13 + "02")
    yield icmp_frame(near, far, 135, 0, target)
    yield icmp_frame(far, near, 136, 0, b"\x60" + target[1:], source_mac=SERVER_MAC, destination_mac=CLIENT_MAC)
    yield arp_frame(1, CLIENT_MAC, client, server)
    yield arp_frame(2, SERVER_MAC, server, client, target_mac=CLIENT_MAC)
    for number in range(40):
        yield udp_frame(client, server, 16384, 17000, e.rtp(1000 + number))
    yield ethernet(b"\x02\x07\x04" + bytes(40), 0x88CC)


def encapsulated_frames() -> Iterator[tuple[int, bytes]]:
    """Times (ns) and frames of the whole capture."""
    frames: list[bytes] = []
    for number, wrap in enumerate(WRAPPINGS.values(), 1):
        for client, server in (
            (f"10.{number}.1.1", f"10.{number}.2.2"),
            (f"2001:db8:{number}::1", f"2001:db8:{number}::2"),
        ):
            frames += [wrap(packet, back) for packet, back in conversations(client, server)]
    for number, kind in enumerate(EXTENSIONS.values(), 100):
        pairs = conversations(f"2001:db8:{number}::1", f"2001:db8:{number}::2")
        frames += [extended(packet, back, kind) for packet, back in pairs]
    frames += others()
    for number, each in enumerate(frames):
        yield START + number * STEP, each
