"""Facts about networks: those of all networks that an address lies in, the smallest one's first."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network, summarize_address_range
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADDRESS_BITS = 128
IPV4_PREFIX = 96  # IPv4 addresses are kept as mapped IPv6 ones
MAPPED = 0xFFFF << 32

Facts = dict[str, str | tuple[str, ...]]  # several texts: what was inherited goes before one's own
Addresses = np.ndarray[Any, np.dtype[np.bytes_]]
Places = np.ndarray[Any, np.dtype[np.int64]]


class Prefixes:
    """Facts by network; an address has those of its smallest network, and what that leaves out from larger ones.

    `freeze` before asking.
    """

    def __init__(self) -> None:
        self._networks: dict[int, dict[int, Facts]] = {}
        self._starts: Addresses = np.zeros(1, "S16")
        self._kinds: Places = np.zeros(1, np.int64)
        self._facts: list[Facts] = [{}]

    def __len__(self) -> int:
        return sum(map(len, self._networks.values()))

    def add(self, text: str, facts: Mapping[str, str | tuple[str, ...]]) -> None:
        """Add an address, a network `10.0.0.0/8` or a range `10.0.0.1-10.0.0.9`; raises ValueError for none of them."""
        for number, length in networks(text):
            known, place = self._networks.setdefault(length, {}), number >> (ADDRESS_BITS - length)
            known[place] = {**known.get(place, {}), **facts}

    def freeze(self) -> None:
        """Make what was added ready to be asked for."""
        self._starts, found = self._segments()
        kinds: dict[tuple[tuple[str, str | tuple[str, ...]], ...], int] = {(): 0}
        self._kinds = np.array([kinds.setdefault(tuple(each.items()), len(kinds)) for each in found], np.int64)
        self._facts = [dict(each) for each in kinds]

    def places(self, addresses: Addresses) -> Places:
        """Return a number for the facts of each address (S16), 0 where there are none."""
        return self._kinds[np.searchsorted(self._starts, addresses, "right") - 1]

    def facts(self, addresses: Addresses) -> list[Facts]:
        """Return the facts of addresses (S16)."""
        return [self._facts[place] for place in self.places(addresses).tolist()]

    def tree(self) -> Iterator[tuple[int, str, Facts]]:
        """Yield every network after those that it lies in: how many these are, its text, and its own facts."""
        around: list[int] = []
        for start, length, own in sorted(self._ranges(), key=lambda each: each[:2]):
            while around and around[-1] <= start:
                around.pop()
            yield len(around), _text(start, length), own
            around.append(start + (1 << (ADDRESS_BITS - length)))

    def _segments(self) -> tuple[Addresses, list[Facts]]:
        """Return where facts change, the first time at the lowest address, and the facts from there on."""
        segments, around = {0: Facts()}, [(1 << ADDRESS_BITS, Facts())]  # networks that one is in, by their end
        for start, length, own in sorted(self._ranges(), key=lambda each: each[:2]):
            while around[-1][0] <= start:
                end = around.pop()[0]
                segments[end] = around[-1][1]
            facts = _inherited(around[-1][1], own)
            around.append((start + (1 << (ADDRESS_BITS - length)), facts))
            segments[start] = facts
        while len(around) > 1:
            end = around.pop()[0]
            segments[end] = around[-1][1]
        segments.pop(1 << ADDRESS_BITS, None)
        places = sorted(segments)
        return np.array([place.to_bytes(16) for place in places], "S16"), [segments[place] for place in places]

    def _ranges(self) -> Iterator[tuple[int, int, Facts]]:
        for length, known in self._networks.items():
            yield from ((number << (ADDRESS_BITS - length), length, facts) for number, facts in known.items())


def _inherited(above: Facts, own: Facts) -> Facts:
    """Return the facts of a network in a larger one: its own, and what it leaves out; texts beside those above."""
    facts = {**above, **own}
    for key, value in own.items():
        before = above.get(key)
        if isinstance(value, tuple) and isinstance(before, tuple):
            facts[key] = (*before, *(text for text in value if text not in before))
    return facts


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


def _text(start: int, length: int) -> str:
    if start >> 32 == MAPPED >> 32 and length >= IPV4_PREFIX:
        return f"{IPv4Address(start & 0xFFFFFFFF)}/{length - IPV4_PREFIX}"
    return f"{IPv6Address(start)}/{length}"
