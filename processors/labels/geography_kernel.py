"""A kernel that walks the search tree of a database in MaxMind's format (version 2.0 of its specification)."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

from topics.compiled import borrowed, inlined, kernel

ADDRESS_BITS, IPV4_BEGIN = 128, 96


@inlined
def _record(tree: Any, width: int, node: int, bit: int) -> int:
    """Return a side of a node: records are `width` bits wide, of 28 both sides share the byte in the middle."""
    at = node * (width >> 2)
    if width == 28:
        high = tree[at + 3] >> 4 if bit == 0 else tree[at + 3] & 15
        at += 4 * bit
        return (int(high) << 24) | (int(tree[at]) << 16) | (int(tree[at + 1]) << 8) | int(tree[at + 2])
    size = width >> 3
    found = 0
    for place in range(at + size * bit, at + size * bit + size):
        found = (found << 8) | int(tree[place])
    return found


@inlined
def _is_mapped(addresses: Any, row: int) -> bool:
    for place in range(10):
        if addresses[row, place] != 0:
            return False
    return bool(addresses[row, 10] == 0xFF) and bool(addresses[row, 11] == 0xFF)


@kernel
def walk(tree: Any, width: int, nodes: int, has_ipv6: bool, addresses: Any, found: Any) -> None:
    """Write to `found` (int64) where the data of addresses (uint8, shape (n, 16)) lie, 0 where nothing is known.

    `tree` (uint8) holds `nodes` nodes of two records of `width` bits (24, 28 or 32). IPv4 addresses, mapped ones, begin
    behind 96 zero bits where the tree has IPv6 addresses too.
    """
    tree, addresses, found = borrowed(tree), borrowed(addresses), borrowed(found)
    begin = 0
    if has_ipv6:
        for _ in range(IPV4_BEGIN):
            if begin < nodes:
                begin = _record(tree, width, begin, 0)
    for row in range(len(addresses)):
        is_mapped = _is_mapped(addresses, row)
        node, bit = (begin, IPV4_BEGIN) if is_mapped else (0, 0)
        if not is_mapped and not has_ipv6:
            bit = ADDRESS_BITS
            node = nodes
        while node < nodes and bit < ADDRESS_BITS:
            side = (addresses[row, bit >> 3] >> (7 - (bit & 7))) & 1
            node = _record(tree, width, node, int(side))
            bit += 1
        found[row] = node - nodes if node > nodes else 0
