"""What stations say as they come up: ARP (RFC 826), DHCP (RFC 2131), DHCPv6 (RFC 8415), NTP (RFC 5905)."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv6Address
from socket import AF_INET, inet_ntop
from typing import TYPE_CHECKING

from processors.names import dhcpv6
from processors.names.stations import dhcp_options, host_name
from processors.payload.message import Message, Octets, Short, Wrong, printable

if TYPE_CHECKING:
    from collections.abc import Callable

DHCP_COOKIE = b"\x63\x82\x53\x63"
DHCP_MESSAGES = ("", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM")
DHCPV6_MESSAGES = (
    *("", "SOLICIT", "ADVERTISE", "REQUEST", "CONFIRM", "RENEW", "REBIND", "REPLY", "RELEASE", "DECLINE"),
    *("RECONFIGURE", "INFORMATION-REQUEST", "RELAY-FORW", "RELAY-REPL"),
)
NTP_MODES = ("reserved", "symmetric", "symmetric", "client", "server", "broadcast", "control", "private")
NTP_EPOCH = 2_208_988_800  # 1970 in seconds since 1900
ARP_TYPES = {1: "who-has", 2: "is-at", 3: "reverse-who-is", 4: "reverse-is-at"}


def read_arp(octets: Octets, message: Message) -> None:
    """Read an ARP packet for Ethernet and IPv4."""
    if octets.take(6) != b"\x00\x01\x08\x00\x06\x04":
        raise Wrong("neither Ethernet nor IPv4")
    kind, mac, sender = octets.number(2), octets.take(6).hex(":"), _ip(octets.take(4))
    octets.take(6)
    say_arp(message, kind, mac, sender, _ip(octets.take(4)))


def say_arp(message: Message, kind: int, mac: str, sender: str, target: str) -> None:
    """Put a request or an answer into words."""
    message.note("sender", sender)
    message.note("mac", mac)
    message.note("target", target)
    if kind == 2 and not mac:
        message.say(f"{sender} answers")
    elif kind in {1, 3}:
        message.say(f"{ARP_TYPES[kind]} {target} tell {sender}")
    else:
        message.say(f"{sender} {ARP_TYPES.get(kind, f'type {kind}')} {mac}")


def read_dhcp(octets: Octets, message: Message) -> None:
    """Read a message of DHCP or BOOTP."""
    kind = octets.number(1)
    octets.take(1)
    size = octets.number(1)
    octets.take(9)
    client, given = _ip(octets.take(4)), _ip(octets.take(4))
    octets.take(8)
    mac = octets.take(16)[: size if size <= 16 else 0].hex(":")
    message.note("mac", mac)
    if octets.left < 192 + 4:
        message.say("BOOTP", "request" if kind == 1 else "reply", mac)
        raise Short
    octets.take(192)
    if octets.take(4) != DHCP_COOKIE:
        message.say("BOOTP", "request" if kind == 1 else "reply", mac, given)
        return
    _dhcp_facts(dhcp_options(octets.data), message, client, given, mac)


def _dhcp_facts(options: dict[int, bytes], message: Message, client: str, given: str, mac: str) -> None:
    number = int.from_bytes(options.get(53, b"")[:1])
    word = DHCP_MESSAGES[number] if 0 < number < len(DHCP_MESSAGES) else f"type {number}"
    message.note("message", word)
    message.say(word, mac)
    readers: dict[str, tuple[int, Callable[[bytes], str]]] = {
        "server": (54, _address),
        "router": (3, _address),
        "vendor": (60, printable),
        "domain": (15, printable),
    }
    facts = {"name": host_name(options), "asked": _address(options.get(50, b""))}
    facts |= {"address": next((each for each in (given, client) if each != "0.0.0.0"), "")}  # noqa: S104 - none given
    facts |= {name: reader(options[code]) for name, (code, reader) in readers.items() if code in options}
    for name, value in facts.items():
        message.note(name, value)
        message.say(f"{name}={value}" if value else "")
    if len(options.get(51, b"")) == 4:
        message.note("lease", int.from_bytes(options[51]))
        message.say(f"lease={int.from_bytes(options[51])}s")


def read_dhcpv6(octets: Octets, message: Message) -> None:
    """Read a message of DHCPv6."""
    kind = octets.number(1)
    word = DHCPV6_MESSAGES[kind] if 0 < kind < len(DHCPV6_MESSAGES) else f"type {kind}"
    message.note("message", word)
    message.say(word)
    said = dhcpv6.parse(octets.data)
    if said is None:
        raise Short
    facts = {"mac": said.mac.hex(":"), "name": printable(_labels(said.name))}
    facts["address"] = " ".join(str(IPv6Address(address)) for address, _ in said.addresses[:8])
    for name, value in facts.items():
        message.note(name, value)
        message.say(f"{name}={value}" if value and name != "mac" else value)


def read_ntp(octets: Octets, message: Message) -> None:
    """Read a packet of NTP."""
    head = octets.number(1)
    mode = NTP_MODES[head & 7]
    message.note("version", head >> 3 & 7)
    message.note("mode", mode)
    message.say(f"NTPv{head >> 3 & 7}", mode)
    if head & 7 in {6, 7}:
        return
    stratum = octets.number(1)
    message.note("stratum", stratum)
    octets.take(10)
    reference = octets.take(4)
    octets.take(24)
    seconds = octets.number(4)
    octets.take(4)
    name = printable(reference).rstrip(".") if stratum < 2 else _ip(reference)
    if head & 7 != 3:
        message.note("reference", name)
        message.say(f"stratum={stratum}", f"reference={name}" if name else "")
    if seconds:
        sent = datetime.fromtimestamp(seconds - NTP_EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message.note("sent", sent)
        message.say(sent)


def _ip(data: bytes) -> str:
    return inet_ntop(AF_INET, data)


def _address(data: bytes) -> str:
    return _ip(data[:4]) if len(data) >= 4 else ""


def _labels(wire: bytes) -> bytes:
    labels, octets = [], Octets(wire)
    try:
        while size := octets.number(1):
            labels.append(octets.take(size))
    except Short:
        pass
    return b".".join(labels)
