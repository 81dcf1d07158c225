"""Names, MACs and users of stations out of DHCP, ARP, neighbour discovery, NetBIOS, SIP and NTLM."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from processors.names import dhcpv6
from processors.names.spans import SECOND, Spans
from topics.address_text import IPV4_MAPPED
from topics.control import ControlFlags
from topics.names import AddressName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from topics.control import ControlBatch

ARP_SECONDS = 1200
SIP_SECONDS = 3600
NTLM_SECONDS = 3600
DATAGRAM_SECONDS = 900
MOST = 1_000_000
MOST_REQUESTS = 65_536
ARP, ICMPV6, UDP, TCP = 0x0806, 58, 17, 6
NO_IP, NO_MAC = bytes(4), bytes(6)
LINK_LOCAL_ANY = bytes(16)
DHCP_COOKIE, DHCP_HEAD = b"\x63\x82\x53\x63", 240
HOST_NAME, LEASE, MESSAGE, FQDN = 12, 51, 53, 81
REQUEST, ACK, RELEASE, INFORM = 3, 5, 7, 8
SOLICITATION, ADVERTISEMENT = 135, 136
SOURCE_LINK, TARGET_LINK = 1, 2
SOURCES = frozenset({"dhcp", "arp", "nd", "netbios", "sip", "ntlm"})
DATAGRAM_KINDS = (0x10, 0x11, 0x12)
AUTHENTICATE = b"NTLMSSP\x00\x03\x00\x00\x00"
UNICODE = 1
SIP_WHO = re.compile(rb"^(?:Contact|m)\s*:[^\r\n]*?<?sips?:([^@>;\s]{1,64})@", re.IGNORECASE | re.MULTILINE)
SIP_FROM = re.compile(rb"^(?:From|f)\s*:[^\r\n]*?sips?:([^@>;\s]{1,64}@[^>;\s]{1,255})", re.IGNORECASE | re.MULTILINE)
SIP_EXPIRES = re.compile(rb"^Expires\s*:\s*(\d{1,8})", re.IGNORECASE | re.MULTILINE)
LONGEST_NAME = 255
LONGEST_LEASE = 366 * 86_400

Key = TypeVar("Key")


class _Packet(NamedTuple):
    source: bytes
    time: int
    payload: bytes


class StationNames:
    """Turns payloads of the control plane into what they say of stations; told again when it holds for longer.

    What is malformed says nothing. At most `most` facts are known at a time.
    """

    def __init__(self, most: int = MOST) -> None:
        self.spans = Spans(most, ARP_SECONDS * SECOND // 4)
        self._requests: OrderedDict[bytes, str] = OrderedDict()
        self._leased: OrderedDict[tuple[bytes, bytes], str] = OrderedDict()

    def process(self, batch: ControlBatch) -> list[AddressName]:
        """Return what a batch of payloads tells."""
        found: list[AddressName] = []
        records = batch.records
        ports = [records[name].tolist() for name in ("src_port", "dst_port", "protocol", "ethertype")]
        for row, (source, target, protocol, ethertype) in enumerate(zip(*ports, strict=True)):
            read = self._reader(source, target, protocol, ethertype)
            if read is not None and not records["flags"][row] & ControlFlags.LAST:
                address, time = records["src_address"][row].tobytes(), int(records["time"][row])
                flow = records["flow_id"][row].tobytes() if records["flow_id"][row].any() else b""
                packet = _Packet(address, time, batch.payload(row))
                found += (name._replace(flow_id=flow) for name in read(packet, batch))
        return found

    def recall(self, name: AddressName) -> None:
        """Know again what was told before of a station."""
        if name.source in SOURCES:
            key = (name.address, name.source, name.name, name.mac, name.user)
            self.spans.recall(key, name.first, name.until)
        if name.source == "dhcp":
            _remember(self._leased, (name.address, name.mac), name.name)

    def _reader(
        self, source: int, target: int, protocol: int, ethertype: int
    ) -> Callable[[_Packet, ControlBatch], Iterator[AddressName]] | None:
        """Return what reads payloads between these ports."""
        if ethertype == ARP:
            return self._arp
        if protocol == ICMPV6:
            return self._neighbour
        if protocol == UDP and {source, target} & {67, 68}:
            return self._dhcp
        if protocol == UDP and {source, target} & {546, 547}:
            return self._dhcpv6
        if protocol == UDP and target == 138:
            return self._datagram
        if 5060 in {source, target}:
            return self._sip
        return self._ntlm if protocol == TCP and target not in (53, 179) else None

    def _say(
        self,
        batch: ControlBatch,
        address: bytes,
        source: str,
        time: int,
        seconds: int,
        mac: bytes = b"",
        name: str = "",
        user: str = "",
    ) -> Iterator[AddressName]:
        span = self.spans.say((address, source, name, mac, user), time, time + seconds * SECOND)
        if span is not None:
            yield AddressName(
                address,
                name,
                source,
                span.first,
                time,
                span.until,
                mac=mac,
                user=user,
                event=span.event,
                site=batch.site,
                probe=batch.probe,
            )

    def _arp(self, packet: _Packet, batch: ControlBatch) -> Iterator[AddressName]:
        """Take the sender of ARP (RFC 826), for Ethernet and IPv4."""
        payload = packet.payload
        if len(payload) < 28 or payload[:6] != b"\x00\x01\x08\x00\x06\x04":
            return
        mac, address = payload[8:14], payload[14:18]
        if address != NO_IP and mac != NO_MAC:
            yield from self._say(batch, IPV4_MAPPED + address, "arp", packet.time, ARP_SECONDS, mac=mac)

    def _neighbour(self, packet: _Packet, batch: ControlBatch) -> Iterator[AddressName]:
        """Take the link-layer addresses of neighbour discovery (RFC 4861 4.3, 4.4)."""
        payload = packet.payload
        if len(payload) < 24 or payload[0] not in (SOLICITATION, ADVERTISEMENT):
            return
        asked = payload[0] == SOLICITATION
        address = packet.source if asked else payload[8:24]
        at, wanted = 24, SOURCE_LINK if asked else TARGET_LINK
        while at + 8 <= len(payload) and payload[at + 1]:
            if payload[at] == wanted and address != LINK_LOCAL_ANY:
                mac = payload[at + 2 : at + 8]
                yield from self._say(batch, address, "nd", packet.time, ARP_SECONDS, mac=mac)
            at += 8 * payload[at + 1]

    def _dhcp(self, packet: _Packet, batch: ControlBatch) -> Iterator[AddressName]:
        """Take leases (RFC 2131): the client's name from its request, the address from the acknowledgement."""
        payload = packet.payload
        if len(payload) <= DHCP_HEAD or payload[236:240] != DHCP_COOKIE or payload[2] != 6:
            return
        options, key, mac = dhcp_options(payload), payload[4:8] + payload[28:34], payload[28:34]
        kind, name = options.get(MESSAGE, b"\0")[:1], host_name(options)
        if kind == bytes((REQUEST,)) and name:
            _remember(self._requests, key, name)
        time = packet.time
        if kind == bytes((ACK,)) and payload[16:20] != NO_IP and LEASE in options:
            name = self._requests.pop(key, "") or name
            _remember(self._leased, (IPV4_MAPPED + payload[16:20], mac), name)
            seconds = min(int.from_bytes(options[LEASE][:4]), LONGEST_LEASE)
            yield from self._say(batch, IPV4_MAPPED + payload[16:20], "dhcp", time, seconds, name=name, mac=mac)
        elif kind == bytes((RELEASE,)):
            yield from self._released(batch, IPV4_MAPPED + payload[12:16], mac, time)

    def _dhcpv6(self, packet: _Packet, batch: ControlBatch) -> Iterator[AddressName]:
        """Take leases of IPv6: the client's name from its request, the addresses from the reply."""
        message = dhcpv6.parse(packet.payload)
        if message is None:
            return
        name = _labels(message.name)[:LONGEST_NAME].decode("utf-8", "replace").lower()
        if message.kind in (dhcpv6.SOLICIT, dhcpv6.REQUEST, dhcpv6.RENEW, dhcpv6.REBIND) and name:
            _remember(self._requests, message.client, name)
        time, mac = packet.time, message.mac
        leased = [each for each in message.addresses if each[1]] if message.kind == dhcpv6.REPLY else []
        name = (self._requests.pop(message.client, "") or name) if leased else name
        for address, seconds in leased:
            _remember(self._leased, (address, mac), name)
            yield from self._say(batch, address, "dhcp", time, min(seconds, LONGEST_LEASE), name=name, mac=mac)
        for address, _ in message.addresses if message.kind == dhcpv6.RELEASE else ():
            yield from self._released(batch, address, mac, time)

    def _released(self, batch: ControlBatch, address: bytes, mac: bytes, time: int) -> Iterator[AddressName]:
        key = (address, "dhcp", self._leased.pop((address, mac), ""), mac, "")
        span = self.spans.end(key, time)
        if span is not None:
            yield AddressName(
                address,
                key[2],
                "dhcp",
                span.first,
                time,
                span.until,
                mac=mac,
                event=span.event,
                site=batch.site,
                probe=batch.probe,
            )

    def _datagram(self, packet: _Packet, batch: ControlBatch) -> Iterator[AddressName]:
        """Take the sender of a NetBIOS datagram (RFC 1002 4.4.1)."""
        payload = packet.payload
        if len(payload) < 14 + 34 or payload[0] not in DATAGRAM_KINDS or payload[14] != 32:
            return
        letters = payload[15:47]
        if all(65 <= letter <= 80 for letter in letters):
            raw = bytes((letters[at] - 65) << 4 | (letters[at + 1] - 65) for at in range(0, 30, 2))
            name = raw.rstrip(b" \0").decode("ascii", "replace")
            address = IPV4_MAPPED + payload[4:8]
            yield from self._say(batch, address, "netbios", packet.time, DATAGRAM_SECONDS, name=name)

    def _sip(self, packet: _Packet, batch: ControlBatch) -> Iterator[AddressName]:
        """Take who registers or calls (RFC 3261): the sender of a request."""
        head = packet.payload[:4096]
        if not head.startswith((b"REGISTER ", b"INVITE ")):
            return
        who = SIP_FROM.search(head) or SIP_WHO.search(head)
        expires = SIP_EXPIRES.search(head)
        if who:
            user, seconds = who[1].decode("utf-8", "replace"), int(expires[1]) if expires else SIP_SECONDS
            address, time = packet.source, packet.time
            yield from self._say(batch, address, "sip", time, min(seconds, 7 * 86_400), user=user)

    def _ntlm(self, packet: _Packet, batch: ControlBatch) -> Iterator[AddressName]:
        """Take who logs in by NTLM, as SMB and others carry it in clear: domain, user and station."""
        payload = packet.payload
        at = payload.find(AUTHENTICATE)
        if at < 0 or len(payload) < at + 64:
            return
        message = payload[at:]
        encoding = "utf-16-le" if int.from_bytes(message[60:64], "little") & UNICODE else "latin-1"
        domain, user, station = (_buffer(message, place).decode(encoding, "replace") for place in (28, 36, 44))
        if user:
            account = f"{domain}\\{user}" if domain else user
            address, time = packet.source, packet.time
            yield from self._say(batch, address, "ntlm", time, NTLM_SECONDS, name=station.lower(), user=account)


def _remember(names: OrderedDict[Key, str], key: Key, name: str) -> None:
    """Keep a name by key, of MOST_REQUESTS the latest."""
    names[key] = name
    names.move_to_end(key)
    if len(names) > MOST_REQUESTS:
        names.popitem(last=False)


def dhcp_options(payload: bytes) -> dict[int, bytes]:
    """Return the options of DHCP by number (RFC 2132)."""
    options: dict[int, bytes] = {}
    at = DHCP_HEAD
    while at + 2 <= len(payload) and payload[at] != 255:
        if payload[at] == 0:
            at += 1
            continue
        value = payload[at + 2 : at + 2 + payload[at + 1]]
        options[payload[at]] = options.get(payload[at], b"") + value
        at += 2 + payload[at + 1]
    return options


def host_name(options: dict[int, bytes]) -> str:
    """Return the name that a client gives itself: the full one of RFC 4702, else that of option 12."""
    full = options.get(FQDN, b"")
    name = options.get(HOST_NAME, b"").rstrip(b"\0")
    if len(full) > 3:
        name = _labels(full[3:]) if full[0] & 4 else full[3:]
    return name[:LONGEST_NAME].decode("utf-8", "replace").lower().rstrip(".")


def _labels(wire: bytes) -> bytes:
    labels, at = [], 0
    while at < len(wire) and wire[at]:
        labels.append(wire[at + 1 : at + 1 + wire[at]])
        at += 1 + wire[at]
    return b".".join(labels)


def _buffer(message: bytes, at: int) -> bytes:
    """Return what a length and an offset in an NTLM message refer to, at most 512 bytes."""
    length, start = (int.from_bytes(message[place : place + size], "little") for place, size in ((at, 2), (at + 4, 4)))
    return message[start : start + min(length, 512)]
