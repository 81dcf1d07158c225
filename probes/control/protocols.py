"""Which packets belong to the control plane: names and `proto:port` words to tables for a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.flows.marks import Marks
from topics.errors import SettingsError
from topics.fields.services import service_ports
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

Table = np.ndarray[Any, np.dtype[np.uint8]]

# Well-known numbers by the IANA registries of ports, IP protocols and EtherTypes; `llc` is DSAP and SSAP.
NAMED = {
    "dns": ("udp:53", "tcp:53"),
    "mdns": ("udp:5353",),
    "llmnr": ("udp:5355", "tcp:5355"),
    "netbios": ("udp:137", "udp:138", "tcp:137"),
    "dhcp": ("udp:67", "udp:68"),
    "dhcpv6": ("udp:546", "udp:547"),
    "arp": ("ether:0x0806", "ether:0x8035"),
    "icmp": ("ip:1",),
    "icmpv6": ("ip:58",),
    "stp": ("llc:0x4242",),
    "rip": ("udp:520", "udp:521"),
    "ospf": ("ip:89",),
    "isis": ("llc:0xfefe",),
    "bgp": ("tcp:179",),
    "sip": ("udp:5060", "tcp:5060"),
    "rsvp": ("ip:46",),
    "ntp": ("udp:123",),
    "snmp": ("udp:161", "udp:162", "tcp:161", "tcp:162"),
    "ldp": ("udp:646", "tcp:646"),
}
MORE = {
    "igmp": ("ip:2",),
    "eigrp": ("ip:88",),
    "pim": ("ip:103",),
    "vrrp": ("ip:112",),
    "lldp": ("ether:0x88cc",),
    "cdp": ("ether:0x2000",),
    "lacp": ("ether:0x8809",),
}
TRANSPORTS = {"tcp": 6, "udp": 17, "sctp": 132}
LIMITS = {"tcp": 65535, "udp": 65535, "sctp": 65535, "ip": 255, "ether": 65535, "llc": 65535}
MOST_KINDS = 255


class Protocols:
    """The kinds of payloads that are wanted, and tables of 1 + kind, 0 for what is not wanted.

    `ports` has shape (3, 65536), a row each for TCP, UDP and SCTP; `ip` 256; `ether` 65536, with LLC access points too.
    Raises SettingsError naming a word that means nothing.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.kinds = tuple(dict.fromkeys(word.lower() for word in words)) or tuple(NAMED)
        if len(self.kinds) > MOST_KINDS:
            raise SettingsError(f"has {len(self.kinds)} entries, at most {MOST_KINDS} are taken")
        self.ports: Table = np.zeros((3, 65536), np.uint8)
        self.ip: Table = np.zeros(256, np.uint8)
        self.ether: Table = np.zeros(65536, np.uint8)
        for kind, word in enumerate(self.kinds, start=1):
            for selector in NAMED.get(word) or MORE.get(word) or (word,):
                self._enter(selector, kind)

    @property
    def marks(self) -> Marks:
        """Return what marks the packets of these protocols, for a flow table."""
        return Marks(self.ports, self.ip, self.ether)

    def _enter(self, selector: str, kind: int) -> None:
        layer, colon, text = selector.partition(":")
        if not colon or layer not in LIMITS:
            known = [*NAMED, *MORE, *(f"{name}:" for name in LIMITS)]
            raise SettingsError(f"'{selector}' is unknown{suggestion(selector, known)}")
        number = _number(layer, text)
        if not 0 <= number <= LIMITS[layer]:
            raise SettingsError(f"'{selector}': {layer} goes from 0 to {LIMITS[layer]}")
        if layer in TRANSPORTS:
            self.ports[list(TRANSPORTS).index(layer), number] = kind
        else:
            (self.ip if layer == "ip" else self.ether)[number] = kind


def _number(layer: str, text: str) -> int:
    """Return a number as it is written, or that of a service."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    ports = [port for protocol, port in service_ports(text) if layer in TRANSPORTS and protocol == TRANSPORTS[layer]]
    if len(ports) != 1:
        raise SettingsError(f"'{layer}:{text}' names no number and no service")
    return ports[0]
