"""What status records tell of copies, summed up by where they were seen and how they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from topics.batch import Records
    from topics.columns import Column

TAG = 0xFFF
VLANS = TAG + 1
LAG_BUCKETS = 32  # powers of two of ns
SIDES = ("src", "dst")
LEAST_BOTH_WAYS = 20  # packets of the other direction
LOOKED_AT = (
    "observer",
    *(f"{side}_{name}" for name in ("last", "vlan", "packets", "duplicate_packets") for side in SIDES),
)

Int64 = np.ndarray[Any, np.dtype[np.int64]]


class Place(NamedTuple):
    """Where packets were seen: the observation point and their VLAN, 0 when untagged."""

    observer: int
    vlan: int


class Kind(NamedTuple):
    """How copies differ: their VLAN, by how much their TTL is lower, and `duplicate_differences` of the record."""

    vlan: int
    ttl_steps: int
    differences: int


@dataclass(slots=True)
class Sums:
    """Copies of one kind, and for conversations with packets both ways, packets and copies of either direction.

    `ahead` is the direction with more copies to a packet. `lags` counts copies by the power of two (ns) of the mean lag
    of their record.
    """

    copies: int = 0
    bytes: int = 0
    lag_sum: int = 0
    lag_max: int = 0
    ahead: list[int] = field(default_factory=lambda: [0, 0])
    behind: list[int] = field(default_factory=lambda: [0, 0])
    lags: Int64 = field(default_factory=lambda: np.zeros(LAG_BUCKETS, np.int64))

    def add(self, other: Sums) -> None:
        """Take in the sums of another time."""
        self.copies += other.copies
        self.bytes += other.bytes
        self.lag_sum += other.lag_sum
        self.lag_max = max(self.lag_max, other.lag_max)
        self.ahead = [a + b for a, b in zip(self.ahead, other.ahead, strict=True)]
        self.behind = [a + b for a, b in zip(self.behind, other.behind, strict=True)]
        self.lags = self.lags + other.lags

    @property
    def mean_lag(self) -> int:
        """How much later copies came in the mean, ns."""
        return self.lag_sum // self.copies if self.copies else 0

    @property
    def one_way(self) -> bool:
        """Whether one direction is copied and the other is not, where there are packets of both."""
        (packets, copies), (others, other_copies) = self.ahead, self.behind
        return others >= LEAST_BOTH_WAYS and copies > 0.5 * packets and other_copies < 0.05 * others


def packets_by_place(columns: Mapping[str, Column], rows: Int64) -> Iterator[tuple[Place, int]]:
    """Yield how many packets the records at index `rows` saw where, copies apart; `columns` are LOOKED_AT."""
    for observer, mine in _by_observer(columns["observer"], rows):
        counts = np.zeros(VLANS)
        for side in SIDES:
            counts += np.bincount(columns[f"{side}_vlan"][mine] & TAG, columns[f"{side}_packets"][mine], VLANS)
        for vlan in np.flatnonzero(counts).tolist():
            yield Place(observer, vlan), int(counts[vlan])


def _by_observer(ids: Column, rows: Int64) -> Iterator[tuple[int, Int64]]:
    observers = ids[rows]
    if (observers == observers[0]).all():
        yield int(observers[0]), rows
        return
    for observer in np.unique(observers).tolist():
        yield observer, rows[observers == observer]


def copies_by_kind(records: Records, columns: Mapping[str, Column], rows: Int64) -> Iterator[tuple[Place, Kind, Sums]]:
    """Yield the sums of every kind of copies in every place, of the records at index `rows`."""
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        copied = rows[columns[f"{side}_duplicate_packets"][rows] > 0]
        if not len(copied):
            continue
        mine = _Copies(records, copied, side, other)
        kinds, number = np.unique(mine.keys(), axis=0, return_inverse=True)
        for place, kind in enumerate(kinds.tolist()):
            yield Place(*kind[:2]), Kind(*kind[2:]), mine.sums(number.reshape(-1) == place)


class _Copies:
    """The columns of records with copies in the direction of `side`: only those needed, as records are wide."""

    def __init__(self, records: Records, rows: Int64, side: str, other: str) -> None:
        self.rows = rows
        self._records, self._side = records, side
        self.packets, self.copied = self._column(f"{side}_packets"), self._column(f"{side}_duplicate_packets")
        self.others, self.others_copied = self._column(f"{other}_packets"), self._column(f"{other}_duplicate_packets")

    def _column(self, name: str) -> Int64:
        return self._records[name][self.rows].astype(np.int64)

    def keys(self) -> Int64:
        """Return the fields of Place and Kind as columns, shape (n, 5)."""
        side = self._side
        ttl = self._column(f"{side}_ttl")  # 0 where a record of an older probe has copies only
        steps = np.where(ttl > 0, ttl - self._column(f"{side}_duplicate_ttl"), 0)
        return np.stack(
            [
                self._column("observer"),
                self._column(f"{side}_vlan") & TAG,
                self._column(f"{side}_duplicate_vlan") & TAG,
                steps,
                self._column(f"{side}_duplicate_differences"),
            ],
            axis=1,
        )

    def sums(self, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Sums:
        """Return the sums over the chosen ones."""
        side = self._side
        copies, lag = self.copied[chosen], self._column(f"{side}_duplicate_lag_sum")[chosen]
        bucket = np.log2(np.maximum(lag // copies, 1)).astype(np.int64)
        ahead = chosen & (self.packets > 0) & (self.others > 0)
        ahead &= self.copied * self.others >= self.others_copied * self.packets
        return Sums(
            int(copies.sum()),
            int(self._column(f"{side}_duplicate_bytes")[chosen].sum()),
            int(lag.sum()),
            int(self._column(f"{side}_duplicate_lag_max")[chosen].max()),
            [int(self.packets[ahead].sum()), int(self.copied[ahead].sum())],
            [int(self.others[ahead].sum()), int(self.others_copied[ahead].sum())],
            np.bincount(np.minimum(bucket, LAG_BUCKETS - 1), copies, LAG_BUCKETS).astype(np.int64),
        )
