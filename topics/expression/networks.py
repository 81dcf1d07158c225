"""Very many addresses and networks as sorted ranges: one look-up is a binary search, whatever their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

MAPPED = bytes(10) + b"\xff\xff"


def sixteen(address: bytes) -> bytes:
    """Return the 16 bytes of an address, an IPv4 one mapped into IPv6."""
    return MAPPED + address if len(address) == 4 else address


class NetworkSet:
    """Addresses that lie in any of some ranges, given as packed (first, last); `name` tells where they were listed."""

    def __init__(self, ranges: Iterable[tuple[bytes, bytes]], name: str = "") -> None:
        joined: list[tuple[bytes, bytes]] = []
        for first, last in sorted((sixteen(first), sixteen(last)) for first, last in ranges):
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        self.name = name
        self.ranges = joined

    def __len__(self) -> int:
        return len(self.ranges)

    def contains(self, column: pl.Series) -> pl.Series:
        """Return which values of a binary column of 16 bytes are in the set."""
        import numpy as np
        import polars as pl

        if not self.ranges:
            return pl.repeat(value=False, n=len(column), eager=True)
        values = np.frombuffer(b"".join(column.fill_null(bytes(16)).to_list()), "S16")
        first = np.array([first for first, _ in self.ranges], "S16")
        last = np.array([last for _, last in self.ranges], "S16")
        place = np.searchsorted(first, values, side="right") - 1
        inside = (place >= 0) & (values <= last[place])
        return pl.Series(inside) & column.is_not_null()
