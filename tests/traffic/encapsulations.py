"""What packets are wrapped in: layers as plain functions from fields to bytes, as in `packets`.

Lengths inside headers are right unless they are given. Sources of the layouts: RFC 1042, 1661, 2516, 2784, 2890, 3032,
4302, 4385, 7348, 8926; 3GPP TS 29.281; IEEE 802.11; tcpdump.org for what captures put before a frame.
"""

import struct

from tests.traffic.packets import CLIENT_MAC, ETHERTYPE_IPV4, SERVER_MAC, ethernet, mac_bytes

ETHERTYPE_MPLS, ETHERTYPE_PPPOE, ETHERTYPE_BRIDGED = 0x8847, 0x8864, 0x6558
PROTOCOL_IPV4, PROTOCOL_IPV6, PROTOCOL_GRE, PROTOCOL_ESP, PROTOCOL_AH = 4, 41, 47, 50, 51
PPP_IPV4, PPP_IPV6, PPP_CONTROL = 0x0021, 0x0057, 0xC021
BSSID = "02:00:00:00:00:0b"


def ethertype_of(packet: bytes) -> int:
    """EtherType of a bare IP packet."""
    return 0x86DD if packet[0] >> 4 == 6 else ETHERTYPE_IPV4


def mpls(payload: bytes, *labels: int, ttl: int = 64) -> bytes:
    """A stack of labels, outermost first, and what it carries."""
    last = len(labels) - 1
    return b"".join(struct.pack(">I", each << 12 | (n == last) << 8 | ttl) for n, each in enumerate(labels)) + payload


def ppp(packet: bytes, protocol: int | None = None) -> bytes:
    """The protocol field of PPP, by the IP version unless given, and its payload."""
    if protocol is None:
        protocol = PPP_IPV6 if packet[0] >> 4 == 6 else PPP_IPV4
    return struct.pack(">H", protocol) + packet


def pppoe(payload: bytes, session: int = 7, *, code: int = 0) -> bytes:
    """A PPPoE packet; the payload begins with the protocol field of PPP."""
    return struct.pack(">BBHH", 0x11, code, session, len(payload)) + payload


def logical_link(payload: bytes, destination: int, source: int, control: int = 3) -> bytes:
    """802.2 before a payload: access points and an unnumbered control byte."""
    return bytes((destination, source, control)) + payload


def snap(payload: bytes, protocol: int, organisation: int = 0) -> bytes:
    """802.2 with the SNAP extension."""
    return logical_link(organisation.to_bytes(3, "big") + struct.pack(">H", protocol) + payload, 0xAA, 0xAA)


def ieee8023(payload: bytes, *, source: str = CLIENT_MAC, destination: str = SERVER_MAC) -> bytes:
    """A frame with a length in place of the EtherType; the payload begins with 802.2."""
    return ethernet(payload, len(payload), source=source, destination=destination)


def isl(inner: bytes, vlan: int, *, source: str = CLIENT_MAC) -> bytes:
    """Cisco's ISL: 26 bytes before a whole frame."""
    header = mac_bytes("01:00:0c:00:00:00") + mac_bytes(source) + struct.pack(">H", len(inner) + 12)
    return header + b"\xaa\xaa\x03\0\0\x0c" + struct.pack(">HHH", vlan << 1, 1, 0) + inner


def gre(
    payload: bytes,
    protocol: int,
    *,
    key: int | None = None,
    sequence: int | None = None,
    checksum: bool = False,
    flags: int = 0,
) -> bytes:
    """GRE version 0 with the optional fields asked for; `flags` are set besides."""
    bits = flags | checksum << 15 | (key is not None) << 13 | (sequence is not None) << 12
    optional = b"\0\0\0\0" if checksum else b""
    optional += struct.pack(">I", key) if key is not None else b""
    optional += struct.pack(">I", sequence) if sequence is not None else b""
    return struct.pack(">HH", bits, protocol) + optional + payload


def point_to_point_gre(packet: bytes, call: int, *, sequence: int = 1) -> bytes:
    """GRE version 1 of PPTP (RFC 2637), with PPP in it."""
    payload = b"\xff\x03" + ppp(packet)
    return struct.pack(">HHHHI", 0x3001, 0x880B, len(payload), call, sequence) + payload


def erspan2(frame: bytes, session: int) -> bytes:
    """ERSPAN type II: the payload of GRE protocol 0x88BE with a sequence number."""
    return struct.pack(">HHI", 0x1001, session, 0) + frame


def erspan3(frame: bytes, session: int, *, platform: bool = False) -> bytes:
    """ERSPAN type III: the payload of GRE protocol 0x22EB; `platform` adds the eight bytes of its subheader."""
    return struct.pack(">HHIHH", 0x2001, session, 0, 0, int(platform)) + bytes(8 * platform) + frame


def vxlan(frame: bytes, network: int) -> bytes:
    """VXLAN: the payload of UDP port 4789."""
    return struct.pack(">II", 0x08000000, network << 8) + frame


def geneve(payload: bytes, network: int, protocol: int = ETHERTYPE_BRIDGED, *, options: bytes = b"") -> bytes:
    """Geneve: the payload of UDP port 6081; `options` a multiple of four bytes."""
    return struct.pack(">BBHI", len(options) // 4, 0, protocol, network << 8) + options + payload


def gtp(packet: bytes, tunnel: int, *, sequence: int | None = None, extensions: bytes = b"", kind: int = 255) -> bytes:
    """GTP-U version 1: the payload of UDP port 2152; `extensions` begin with their type, each ends with the next."""
    flags = 0x30 | (sequence is not None) << 1 | bool(extensions) << 2
    optional = b""
    if flags & 7:
        first, rest = (extensions[:1], extensions[1:]) if extensions else (b"\0", b"")
        optional = struct.pack(">HB", sequence or 0, 0) + first + rest
    return struct.pack(">BBHI", flags, kind, len(optional) + len(packet), tunnel) + optional + packet


def l2tp(payload: bytes, tunnel: int, session: int, *, flags: int = 0x4000, offset: int = 0) -> bytes:
    """L2TP version 2, for UDP port 1701; flags: 0x8000 control, 0x4000 length, 0x0800 numbers, 0x0200 offset."""
    ends = struct.pack(">HH", tunnel, session) + (b"\0\1\0\2" if flags & 0x0800 else b"")
    ends += struct.pack(">H", offset) + bytes(offset) if flags & 0x0200 else b""
    length = struct.pack(">H", 4 + len(ends) + len(payload)) if flags & 0x4000 else b""
    return struct.pack(">H", flags | 2) + length + ends + payload


def teredo(packet: bytes, *, authentication: bool = False, origin: bool = False) -> bytes:
    """IPv6 as the payload of UDP port 3544, behind the optional headers asked for."""
    before = b"\0\1\x02\x03idval" + bytes(9) if authentication else b""
    return before + (b"\0\0" + bytes(6) if origin else b"") + packet


def authentication(payload: bytes, following: int, *, check: int = 12, words: int | None = None) -> bytes:
    """AH with `check` bytes of integrity value; `words` lies about its length."""
    length = (12 + check) // 4 - 2 if words is None else words
    return struct.pack(">BBHII", following, length, 0, 9, 1) + bytes(check) + payload


def esp(spi: int, sequence: int, size: int = 40) -> bytes:
    """ESP with `size` bytes that nobody can read."""
    return struct.pack(">II", spi, sequence) + b"\xe5" * size


def rtp(sequence: int, *, source: int = 0x11, kind: int = 0, size: int = 160) -> bytes:
    """RTP with `size` bytes of sound."""
    return struct.pack(">BBHII", 0x80, kind, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, source) + bytes(size)


def rtcp(kind: int = 200, source: int = 0x11) -> bytes:
    """An RTCP report without blocks."""
    return struct.pack(">BBHI", 0x80, kind, 6, source) + bytes(20)


def linux_cooked(packet: bytes, ethertype: int | None = None, *, mac: str = CLIENT_MAC) -> bytes:
    """Linux's cooked capture, version 1."""
    kind = ethertype_of(packet) if ethertype is None else ethertype
    return struct.pack(">HHH", 0, 1, 6) + mac_bytes(mac) + b"\0\0" + struct.pack(">H", kind) + packet


def linux_cooked2(packet: bytes, ethertype: int | None = None, *, mac: str = CLIENT_MAC) -> bytes:
    """Linux's cooked capture, version 2."""
    kind = ethertype_of(packet) if ethertype is None else ethertype
    return struct.pack(">HHIHBB", kind, 0, 2, 1, 0, 6) + mac_bytes(mac) + b"\0\0" + packet


def wireless(
    payload: bytes,
    *,
    kind: int = 2,
    subtype: int = 0,
    to_system: bool = False,
    from_system: bool = False,
    protected: bool = False,
    addresses: tuple[str, ...] = (SERVER_MAC, CLIENT_MAC, BSSID),
    padding: int = 0,
) -> bytes:
    """An 802.11 frame; `addresses` as they stand in it, four when it goes from access point to access point."""
    control = subtype << 4 | kind << 2 | to_system << 8 | from_system << 9 | protected << 14
    first, rest = addresses[:3], addresses[3:]
    header = struct.pack("<HH", control, 0) + b"".join(map(mac_bytes, first)) + b"\0\0" + b"".join(map(mac_bytes, rest))
    quality = b"\0\0" if kind == 2 and subtype & 8 else b""
    return header + quality + bytes(padding) + payload


def radiotap(frame: bytes, *, flags: int | None = None, timed: bool = False, words: int = 1) -> bytes:
    """Radiotap before a frame, with `flags` of its second field and a time stamp if asked for."""
    present = (2 if flags is not None else 0) | timed
    bitmap = b"".join(struct.pack("<I", present | 0x80000000 * (n < words - 1)) for n in range(words))
    fields = b""
    if timed:
        fields += bytes(-(4 + len(bitmap)) % 8 + 8)
    if flags is not None:
        fields += bytes((flags,))
    return struct.pack("<BBH", 0, 0, 4 + len(bitmap) + len(fields)) + bitmap + fields + frame


def prism(frame: bytes) -> bytes:
    """The 144 bytes of Prism before a frame."""
    return struct.pack("<II", 0x44, 144).ljust(144, b"\0") + frame


def avs(frame: bytes, size: int = 64) -> bytes:
    """The AVS header before a frame."""
    return struct.pack(">II", 0x80211001, size).ljust(size, b"\0") + frame


def firewall_log(packet: bytes, *, length: int = 61) -> bytes:
    """PFLOG before an IP packet."""
    return bytes((length, 2, 0, 0)).ljust(length + 3 & ~3, b"\0") + packet


def netfilter_log(packet: bytes, *, length: int | None = None, before: bytes = b"\x05\0\x0a\0eth0") -> bytes:
    """Linux's NFLOG: its header, facts `before` the address (by default one of five bytes, padded), the packet."""
    address = struct.pack("<HH", 16, 8) + struct.pack(">HH", 6, 0) + mac_bytes(CLIENT_MAC) + b"\0\0"
    size = len(packet) + 4 if length is None else length
    return b"\x02\0\0\0" + before + address + struct.pack("<HH", size, 9) + packet


def per_packet_information(frame: bytes, link_type: int, fields: bytes = bytes(12)) -> bytes:
    """PPI's header and fields, then a frame of another link type."""
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), link_type) + fields + frame


def juniper(frame: bytes, *, extensions: bytes | None = None, without_link: bool = False) -> bytes:
    """Juniper's header before an Ethernet frame, or before an IP packet `without_link`."""
    flags = 1 | (0x80 if extensions is not None else 0) | 2 * without_link
    body = b"" if extensions is None else struct.pack(">H", len(extensions)) + extensions
    return b"MGC" + bytes((flags,)) + body + bytes(4 * without_link) + frame
