"""Very many addresses and networks as sorted ranges: one look-up is a binary search, whatever their number."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
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

    @functools.cached_property
    def _ends(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The first and last addresses of all ranges, sorted, as columns of 16 bytes."""
        import numpy as np

        first, last = (b"".join(pair[end] for pair in self.ranges) for end in (0, 1))
        return np.frombuffer(first, "S16"), np.frombuffer(last, "S16")

    def contains(self, column: pl.Series) -> pl.Series:
        """Return which values of a binary column of 16 bytes are in the set; each distinct one is looked up once."""
        import numpy as np
        import polars as pl

        if not self.ranges:
            return pl.repeat(value=False, n=len(column), eager=True)
        distinct = column.drop_nulls().unique()
        values = np.frombuffer(b"".join(distinct.to_list()), "S16")
        first, last = self._ends
        place = np.searchsorted(first, values, side="right") - 1
        inside = (place >= 0) & (values <= last[place])
        return column.is_in(distinct.filter(pl.Series(inside)).implode()).fill_null(value=False)
