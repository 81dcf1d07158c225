"""Keyed replacement of addresses that keeps their common prefixes: two addresses share as many bits as before.

The tree of prefixes is that of Crypto-PAn (Xu, Fan, Ammar, Moon 2002); a keyed BLAKE2 decides at each node whether
the two branches change places. The leading one bits of an IPv4 address never change, so that classes stay what they
are and nothing becomes multicast; of an IPv6 address the first two bytes stay.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from topics.expression.networks import MAPPED

NODES = 64  # bytes of a digest: a bit for each node of the tree below one byte
BROADCAST = MAPPED + b"\xff" * 4
KEPT_IPV6 = 2


class AddressMap:
    """Replaces 16-byte addresses and MAC addresses, each always by the same."""

    def __init__(self, key: bytes, *, multicast: bool, broadcast: bool, vendor: bool) -> None:
        self._key = key
        self._multicast, self._broadcast, self._vendor = multicast, broadcast, vendor
        self._flips = lru_cache(maxsize=1 << 18)(self._digest)

    def ip(self, address: bytes) -> bytes:
        """Return what an address becomes; that of nobody (all zeros) stays."""
        ipv4 = address.startswith(MAPPED)
        if not any(address[12:] if ipv4 else address):
            return address
        if self._multicast and (address[12] & 0xF0 == 0xE0 if ipv4 else address[0] == 0xFF):
            return address
        if self._broadcast and address == BROADCAST:
            return address
        start = len(MAPPED) if ipv4 else KEPT_IPV6
        replaced = bytes(self._byte(address, place, first=ipv4 and place == start) for place in range(start, 16))
        return address[:start] + replaced

    def mac(self, address: bytes) -> bytes:
        """Return what a MAC address becomes; group addresses and that of nobody stay."""
        if not any(address) or (address[0] & 1 and self._multicast):
            return address
        kept = 3 if self._vendor else 0
        digest = blake2b(b"mac" + address[kept:], key=self._key, digest_size=6, person=address[:kept]).digest()
        if kept:
            return address[:kept] + digest[kept:]
        return bytes([digest[0] & 0xFC | address[0] & 0x03]) + digest[1:]

    def _byte(self, address: bytes, place: int, *, first: bool) -> int:
        flips = self._flips(address[:place])
        value, node, result = address[place], 1, 0
        leading = first
        for bit in range(7, -1, -1):
            one = value >> bit & 1
            flip = 0 if leading else flips >> node & 1
            result = result << 1 | (one ^ flip)
            leading = leading and one == 1  # the class: 0, 10, 110, 1110
            node = node << 1 | one
        return result

    def _digest(self, prefix: bytes) -> int:
        digest = blake2b(prefix, key=self._key, digest_size=NODES, person=b"address").digest()
        return int.from_bytes(digest, "big")
