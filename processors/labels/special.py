"""Classes of addresses, by IANA's registries of special-purpose addresses and of multicast."""

from __future__ import annotations

from processors.labels.prefixes import Prefixes

CLASSES = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "shared": ("100.64.0.0/10",),
    "linklocal": ("169.254.0.0/16", "fe80::/10"),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "benchmark": ("198.18.0.0/15", "2001:2::/48"),
    "protocol": ("192.0.0.0/24", "2001::/23"),
    "translated": ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"),
    "discard": ("100::/64",),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": ("240.0.0.0/4",),
    "broadcast": ("255.255.255.255/32",),
}


def _special() -> Prefixes:
    found = Prefixes()
    for name, networks in CLASSES.items():
        for network in networks:
            found.add(network, {"cls": name})
    found.freeze()
    return found


SPECIAL = _special()
