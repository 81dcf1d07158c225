"""Facts about networks: those of all networks that an address lies in, the smallest one's first."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network, summarize_address_range
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IPV4_PREFIX = 96  # IPv4 addresses are kept as mapped IPv6 ones
MAPPED = 0xFFFF << 32

Facts = dict[str, str]


class Prefixes:
    """Facts by network; an address has those of its smallest network, and what that leaves out from larger ones."""

    def __init__(self) -> None:
        self._lengths: list[int] = []
        self._networks: dict[int, dict[int, Facts]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._networks.values()))

    def add(self, text: str, facts: Mapping[str, str]) -> None:
        """Add an address, a network `10.0.0.0/8` or a range `10.0.0.1-10.0.0.9`; raises ValueError for none of them."""
        for number, length in networks(text):
            known = self._networks.get(length)
            if known is None:
                known = self._networks[length] = {}
                self._lengths = sorted(self._networks, reverse=True)
            known[number >> (128 - length)] = {**known.get(number >> (128 - length), {}), **facts}

    def facts(self, address: int) -> Facts:
        """Return the facts of an address, a 128-bit number."""
        found: Facts = {}
        for length in self._lengths:
            network = self._networks[length].get(address >> (128 - length))
            if network:
                found = {**network, **found}
        return found


def networks(text: str) -> list[tuple[int, int]]:
    """Return the networks, as a 128-bit number and a prefix length, that a text stands for; raises ValueError."""
    first, dash, last = text.partition("-")
    if dash:
        begin, end = ip_address(first.strip()), ip_address(last.strip())
        if begin.version != end.version:
            raise ValueError(f"'{text}' mixes IPv4 and IPv6")
        ranged = summarize_address_range(begin, end)
        return [_mapped(each.network_address, each.prefixlen) for each in ranged]
    if "/" in text:
        network = ip_network(text, strict=False)
        return [_mapped(network.network_address, network.prefixlen)]
    address = ip_address(text)
    return [_mapped(address, address.max_prefixlen)]


def _mapped(address: IPv4Address | IPv6Address, length: int) -> tuple[int, int]:
    if address.version == 4:
        return MAPPED | int(address), IPV4_PREFIX + length
    return int(address), length
