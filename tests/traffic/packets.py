"""One frame at a time: layers as plain functions from fields to bytes, with right lengths and checksums.

Addresses and MACs are text. Whole frames come from the `*_frame` functions; the layers beneath them can be stacked by
hand where a test needs something odd, e.g. `frame(ipv4(b"..", "10.0.0.1", "10.0.0.2", protocol=47))`. To lie in a
header, take the bytes and overwrite them, or give the length arguments, which are believed.
"""

import struct
from collections.abc import Sequence
from typing import TypedDict, Unpack

from tests.traffic.checksum import packed, pseudo_header, with_checksum

CLIENT_MAC = "02:00:00:00:00:01"
SERVER_MAC = "02:00:00:00:00:02"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"

ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_VLAN, ETHERTYPE_IPV6 = 0x0800, 0x0806, 0x8100, 0x86DD
PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6 = 1, 6, 17, 58

TCP_FLAGS = "FSRPAUEC"


class Carriage(TypedDict, total=False):
    """What surrounds a transport segment on its way: network and link header fields, all optional."""

    ttl: int
    tos: int
    identification: int
    dont_fragment: bool
    vlans: Sequence[int]
    source_mac: str
    destination_mac: str


def mac_bytes(address: str) -> bytes:
    """6 bytes of `aa:bb:cc:dd:ee:ff`."""
    return bytes.fromhex(address.replace(":", ""))


def ethernet(
    payload: bytes, ethertype: int = ETHERTYPE_IPV4, *, source: str = CLIENT_MAC, destination: str = SERVER_MAC
) -> bytes:
    """An Ethernet II frame without padding or FCS; an `ethertype` below 0x600 makes it an IEEE 802.3 length."""
    return mac_bytes(destination) + mac_bytes(source) + struct.pack(">H", ethertype) + payload


def vlan(payload: bytes, identifier: int, ethertype: int = ETHERTYPE_IPV4, *, priority: int = 0) -> bytes:
    """An 802.1Q tag and what it carries: the payload of a frame of ethertype 0x8100 (or 0x88A8)."""
    return struct.pack(">HH", priority << 13 | identifier, ethertype) + payload


def frame(
    packet: bytes,
    *,
    vlans: Sequence[int] = (),
    source_mac: str = CLIENT_MAC,
    destination_mac: str = SERVER_MAC,
    ethertype: int | None = None,
) -> bytes:
    """`packet` in Ethernet, tagged with `vlans` outermost first; the ethertype is by its IP version if not given."""
    if ethertype is None:
        ethertype = ETHERTYPE_IPV6 if packet[:1] and packet[0] >> 4 == 6 else ETHERTYPE_IPV4
    for identifier in reversed(vlans):
        packet, ethertype = vlan(packet, identifier, ethertype), ETHERTYPE_VLAN
    return ethernet(packet, ethertype, source=source_mac, destination=destination_mac)


def ipv4(
    payload: bytes,
    source: str,
    destination: str,
    protocol: int,
    *,
    ttl: int = 64,
    tos: int = 0,
    identification: int = 0,
    dont_fragment: bool = False,
    more_fragments: bool = False,
    fragment_offset: int = 0,
    options: bytes = b"",
    total_length: int | None = None,
) -> bytes:
    """An IPv4 packet; `fragment_offset` in bytes, a multiple of 8; `options` padded here to 32-bit words."""
    options += b"\0" * (-len(options) % 4)
    header_length = 20 + len(options)
    fragment = dont_fragment << 14 | more_fragments << 13 | fragment_offset // 8
    header = struct.pack(
        ">BBHHHBBH4s4s",
        4 << 4 | header_length // 4,
        tos,
        header_length + len(payload) if total_length is None else total_length,
        identification,
        fragment,
        ttl,
        protocol,
        0,
        packed(source),
        packed(destination),
    )
    return with_checksum(header + options, 10) + payload


def ipv6(
    payload: bytes,
    source: str,
    destination: str,
    next_header: int,
    *,
    hop_limit: int = 64,
    traffic_class: int = 0,
    flow_label: int = 0,
    payload_length: int | None = None,
) -> bytes:
    """An IPv6 packet; extension headers are part of `payload`, built with `ipv6_extension` or by hand."""
    length = len(payload) if payload_length is None else payload_length
    first_word = 6 << 28 | traffic_class << 20 | flow_label
    fixed = struct.pack(">IHBB", first_word, length, next_header, hop_limit)
    return fixed + packed(source) + packed(destination) + payload


def ipv6_extension(payload: bytes, next_header: int, body: bytes = b"\x01\x04\0\0\0\0") -> bytes:
    """A hop-by-hop, routing or destination options header (RFC 8200 section 4) before `payload`; PadN by default."""
    body += b"\0" * (-(len(body) + 2) % 8)
    return bytes((next_header, (len(body) + 2) // 8 - 1)) + body + payload


def ipv6_fragment(
    payload: bytes, next_header: int, identification: int, *, offset: int = 0, more_fragments: bool = False
) -> bytes:
    """An IPv6 fragment header (next header 44) before `payload`; `offset` in bytes, a multiple of 8."""
    return struct.pack(">BBHI", next_header, 0, offset | more_fragments, identification) + payload


def ip(
    payload: bytes,
    source: str,
    destination: str,
    protocol: int,
    *,
    ttl: int = 64,
    tos: int = 0,
    identification: int = 0,
    dont_fragment: bool = False,
) -> bytes:
    """IPv4 or IPv6 by the look of the addresses; `ttl` is the hop limit and `tos` the traffic class there."""
    if ":" in source:
        return ipv6(payload, source, destination, protocol, hop_limit=ttl, traffic_class=tos)
    return ipv4(
        payload,
        source,
        destination,
        protocol,
        ttl=ttl,
        tos=tos,
        identification=identification,
        dont_fragment=dont_fragment,
    )


def tcp_flag_bits(letters: str) -> int:
    """The flag byte of letters out of FSRPAUEC (fin, syn, reset, push, acknowledge, urgent, ECE, CWR)."""
    return sum(1 << TCP_FLAGS.index(letter) for letter in letters)


def tcp_options(
    *,
    maximum_segment: int | None = None,
    window_scale: int | None = None,
    sack_permitted: bool = False,
    sack: Sequence[tuple[int, int]] = (),
    timestamp: tuple[int, int] | None = None,
) -> bytes:
    """TCP options in the usual order, padded with NOPs to 32-bit words; `sack` are (left, right) edges."""
    options = b""
    if maximum_segment is not None:
        options += struct.pack(">BBH", 2, 4, maximum_segment)
    if sack_permitted:
        options += b"\x04\x02"
    if timestamp is not None:
        options += struct.pack(">BBII", 8, 10, *timestamp)
    if window_scale is not None:
        options += bytes((3, 3, window_scale))
    if sack:
        edges = b"".join(struct.pack(">II", *block) for block in sack)
        options += bytes((5, 2 + len(edges))) + edges
    return b"\x01" * (-len(options) % 4) + options


def tcp(
    source: str,
    destination: str,
    source_port: int,
    destination_port: int,
    *,
    flags: str = "A",
    sequence: int = 0,
    acknowledgement: int = 0,
    window: int = 65535,
    options: bytes = b"",
    payload: bytes = b"",
) -> bytes:
    """A TCP segment (RFC 9293); numbers wrap at 2**32; the addresses are for the checksum."""
    header = struct.pack(
        ">HHIIBBHHH",
        source_port,
        destination_port,
        sequence % 2**32,
        acknowledgement % 2**32,
        (20 + len(options)) // 4 << 4,
        tcp_flag_bits(flags),
        window,
        0,
        0,
    )
    segment = header + options + payload
    return with_checksum(segment, 16, pseudo_header(source, destination, PROTOCOL_TCP, len(segment)))


def udp(
    source: str,
    destination: str,
    source_port: int,
    destination_port: int,
    payload: bytes = b"",
    *,
    length: int | None = None,
) -> bytes:
    """A UDP datagram (RFC 768); a checksum that comes out as zero is sent as 0xFFFF."""
    total = 8 + len(payload)
    datagram = struct.pack(">HHHH", source_port, destination_port, total if length is None else length, 0) + payload
    summed = with_checksum(datagram, 6, pseudo_header(source, destination, PROTOCOL_UDP, total))
    return summed if summed[6:8] != b"\0\0" else summed[:6] + b"\xff\xff" + summed[8:]


def icmp(kind: int, code: int = 0, body: bytes = b"\0\0\0\0") -> bytes:
    """An ICMP message (RFC 792): `body` is everything after the checksum."""
    return with_checksum(bytes((kind, code, 0, 0)) + body, 2)


def icmpv6(source: str, destination: str, kind: int, code: int = 0, body: bytes = b"\0\0\0\0") -> bytes:
    """An ICMPv6 message (RFC 4443): `body` is everything after the checksum."""
    message = bytes((kind, code, 0, 0)) + body
    return with_checksum(message, 2, pseudo_header(source, destination, PROTOCOL_ICMPV6, len(message)))


def arp(operation: int, sender_mac: str, sender: str, target_mac: str, target: str) -> bytes:
    """An ARP packet for IPv4 on Ethernet (RFC 826): operation 1 asks, 2 answers."""
    fixed = struct.pack(">HHBBH", 1, ETHERTYPE_IPV4, 6, 4, operation)
    return fixed + mac_bytes(sender_mac) + packed(sender) + mac_bytes(target_mac) + packed(target)


def carried(segment: bytes, source: str, destination: str, protocol: int, carriage: Carriage) -> bytes:
    """`segment` in IP and Ethernet as `carriage` says."""
    packet = ip(
        segment,
        source,
        destination,
        protocol,
        ttl=carriage.get("ttl", 64),
        tos=carriage.get("tos", 0),
        identification=carriage.get("identification", 0),
        dont_fragment=carriage.get("dont_fragment", False),
    )
    return frame(
        packet,
        vlans=carriage.get("vlans", ()),
        source_mac=carriage.get("source_mac", CLIENT_MAC),
        destination_mac=carriage.get("destination_mac", SERVER_MAC),
    )


def tcp_frame(
    source: str,
    destination: str,
    source_port: int,
    destination_port: int,
    *,
    flags: str = "A",
    sequence: int = 0,
    acknowledgement: int = 0,
    window: int = 65535,
    options: bytes = b"",
    payload: bytes = b"",
    **carriage: Unpack[Carriage],
) -> bytes:
    """A frame with one TCP segment over IPv4 or IPv6, by the addresses."""
    segment = tcp(
        source,
        destination,
        source_port,
        destination_port,
        flags=flags,
        sequence=sequence,
        acknowledgement=acknowledgement,
        window=window,
        options=options,
        payload=payload,
    )
    return carried(segment, source, destination, PROTOCOL_TCP, carriage)


def udp_frame(
    source: str,
    destination: str,
    source_port: int,
    destination_port: int,
    payload: bytes = b"",
    **carriage: Unpack[Carriage],
) -> bytes:
    """A frame with one UDP datagram over IPv4 or IPv6, by the addresses."""
    datagram = udp(source, destination, source_port, destination_port, payload)
    return carried(datagram, source, destination, PROTOCOL_UDP, carriage)


def icmp_frame(
    source: str,
    destination: str,
    kind: int,
    code: int = 0,
    body: bytes = b"\0\0\0\0",
    **carriage: Unpack[Carriage],
) -> bytes:
    """A frame with one ICMP message, or an ICMPv6 one where the addresses are IPv6."""
    if ":" in source:
        return carried(icmpv6(source, destination, kind, code, body), source, destination, PROTOCOL_ICMPV6, carriage)
    return carried(icmp(kind, code, body), source, destination, PROTOCOL_ICMP, carriage)


def echo_frame(
    source: str,
    destination: str,
    identifier: int,
    sequence: int,
    payload: bytes = b"",
    *,
    reply: bool = False,
    **carriage: Unpack[Carriage],
) -> bytes:
    """A ping or its answer: ICMP 8/0, ICMPv6 128/129."""
    kind = (129 if reply else 128) if ":" in source else (0 if reply else 8)
    body = struct.pack(">HH", identifier, sequence) + payload
    return icmp_frame(source, destination, kind, 0, body, **carriage)


def icmp_error_frame(
    source: str, destination: str, kind: int, code: int, quoted: bytes, **carriage: Unpack[Carriage]
) -> bytes:
    """An ICMP error that quotes an IP packet: its header and 8 bytes (RFC 792), for IPv6 as much as 1232 bytes."""
    kept = quoted[:1232] if ":" in source else quoted[: (quoted[0] & 15) * 4 + 8]
    return icmp_frame(source, destination, kind, code, b"\0\0\0\0" + kept, **carriage)


def arp_frame(
    operation: int,
    sender_mac: str,
    sender: str,
    target: str,
    *,
    target_mac: str = "00:00:00:00:00:00",
    destination_mac: str | None = None,
    vlans: Sequence[int] = (),
) -> bytes:
    """A frame with ARP, padded to Ethernet's 60 bytes; a request goes to all unless told, an answer to its target."""
    towards = destination_mac or (BROADCAST_MAC if operation == 1 else target_mac)
    packet = arp(operation, sender_mac, sender, target_mac, target)
    whole = frame(packet, vlans=vlans, source_mac=sender_mac, destination_mac=towards, ethertype=ETHERTYPE_ARP)
    return whole.ljust(60, b"\0")
