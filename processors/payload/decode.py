"""Which protocol a payload is of, and what it says: by its first bytes where they tell, else by its ports."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from processors.payload import dns, management, smb, stations, text, tls
from processors.payload.message import Message, Octets, Short, Wrong, printable
from topics.obfuscation import obfuscated

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[Octets, Message], None]

ARP_TYPES = (0x0806, 0x8035)
TCP, UDP = 6, 17
DATAGRAMS: dict[int, tuple[str, Reader]] = {
    53: ("dns", partial(dns.read, stream=False)),
    5353: ("mdns", partial(dns.read, stream=False)),
    5355: ("llmnr", partial(dns.read, stream=False)),
    137: ("netbios", partial(dns.read, stream=False)),
    67: ("dhcp", stations.read_dhcp),
    68: ("dhcp", stations.read_dhcp),
    546: ("dhcpv6", stations.read_dhcpv6),
    547: ("dhcpv6", stations.read_dhcpv6),
    123: ("ntp", stations.read_ntp),
    161: ("snmp", management.read_snmp),
    162: ("snmp", management.read_snmp),
}
STREAMS: dict[int, tuple[str, Reader]] = {53: ("dns", partial(dns.read, stream=True)), 445: ("smb", smb.read)}
GREETINGS = {21: "ftp", 22: "ssh", 25: "smtp", 110: "pop3", 143: "imap", 587: "smtp", 6667: "irc"}
HTTP, SIP, TLS = ("http", text.read_http), ("sip", text.read_sip), ("tls", tls.read)
BGP, SMB = ("bgp", management.read_bgp), ("smb", smb.read)
MOST = 65_535  # bytes of a payload that are looked at


SERVICES = (*DATAGRAMS, *STREAMS, *GREETINGS)


class Payload(NamedTuple):
    """The first bytes of one direction of a flow: what tells how to read them.

    `service` is the port of SERVICES that one end has, 0 for none.
    `whole` says whether these are all bytes there were: then what is missing is malformed, else it was not kept.
    """

    data: bytes
    ethertype: int
    protocol: int
    service: int
    whole: bool


def decode(payload: Payload, *, blot: bool = False) -> Message:
    """Return what a payload says, with `blot` without credentials; never raises: `damage` says what is malformed."""
    if blot:
        payload = payload._replace(data=obfuscated(payload.data))
    known = _reader(payload)
    if known is None:
        return Message(words=[f'"{printable(payload.data)}"'] if payload.data else [])
    message = Message(known[0], blot=blot)
    try:
        known[1](Octets(payload.data[:MOST]), message)
    except Short:
        message.damage = "malformed: ends too early" if payload.whole else "not kept further"
    except Wrong as wrong:
        message.damage = f"malformed: {wrong}"
    return message


def _reader(payload: Payload) -> tuple[str, Reader] | None:
    data, port = payload.data, payload.service
    if not data:
        return None
    if payload.ethertype in ARP_TYPES:
        return "arp", stations.read_arp
    if payload.protocol == UDP:
        return DATAGRAMS.get(port) or _by_content(data)
    if payload.protocol != TCP:
        return None
    greeting = (GREETINGS[port], text.read_line) if port in GREETINGS else None
    return _by_content(data) or STREAMS.get(port) or greeting


def _by_content(data: bytes) -> tuple[str, Reader] | None:
    if text.SIP_START.match(data):
        return SIP
    if text.HTTP_START.match(data):
        return HTTP
    if tls.START.match(data):
        return TLS
    if data.startswith(management.BGP_MARKER):
        return BGP
    if data[4:8] in smb.SIGNATURES and data[:1] == b"\0":
        return SMB
    return ("ssh", text.read_line) if data.startswith(b"SSH-") else None
