"""What status records tell of copies, summed up by where they were seen and how they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.batch import Records

TAG = 0xFFF
VLANS = TAG + 1
LAG_BUCKETS = 32  # powers of two of ns
SIDES = ("src", "dst")
LEAST_BOTH_WAYS = 20  # packets of the other direction

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


def packets_by_place(records: Records) -> Iterator[tuple[Place, int]]:
    """Yield how many packets were seen where, copies apart."""
    for observer in np.unique(records["observer"]).tolist():
        mine = records[records["observer"] == observer]
        counts = np.zeros(VLANS)
        for side in SIDES:
            counts += np.bincount(mine[f"{side}_vlan"] & TAG, mine[f"{side}_packets"], VLANS)
        for vlan in np.flatnonzero(counts).tolist():
            yield Place(observer, vlan), int(counts[vlan])


def copies_by_kind(records: Records) -> Iterator[tuple[Place, Kind, Sums]]:
    """Yield the sums of every kind of copies in every place."""
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        mine = records[records[f"{side}_duplicate_packets"] > 0]
        if not len(mine):
            continue
        steps = np.where(
            mine[f"{side}_packets"] > 0, mine[f"{side}_ttl"].astype(np.int64) - mine[f"{side}_duplicate_ttl"], 0
        )
        keys = np.stack(
            [
                mine["observer"],
                mine[f"{side}_vlan"] & TAG,
                mine[f"{side}_duplicate_vlan"] & TAG,
                steps,
                mine[f"{side}_duplicate_differences"],
            ],
            axis=1,
        ).astype(np.int64)
        kinds, number = np.unique(keys, axis=0, return_inverse=True)
        for place, kind in enumerate(kinds.tolist()):
            rows = mine[number.reshape(-1) == place]
            yield Place(*kind[:2]), Kind(*kind[2:]), _sums(rows, side, other)


def _sums(rows: Records, side: str, other: str) -> Sums:
    copies = rows[f"{side}_duplicate_packets"]
    lag = rows[f"{side}_duplicate_lag_sum"]
    bucket = np.log2(np.maximum(lag // copies, 1)).astype(np.int64)
    sums = Sums(
        int(copies.sum()),
        int(rows[f"{side}_duplicate_bytes"].sum()),
        int(lag.sum()),
        int(rows[f"{side}_duplicate_lag_max"].max()),
        lags=np.bincount(np.minimum(bucket, LAG_BUCKETS - 1), copies, LAG_BUCKETS).astype(np.int64),
    )
    both = (rows["src_packets"] > 0) & (rows["dst_packets"] > 0)
    amounts = [
        rows[f"{each}_{what}"].astype(np.int64) for each in (side, other) for what in ("packets", "duplicate_packets")
    ]
    packets, copied, others, others_copied = amounts
    ahead = both & (copied * others >= others_copied * packets)
    sums.ahead = [int(packets[ahead].sum()), int(copied[ahead].sum())]
    sums.behind = [int(others[ahead].sum()), int(others_copied[ahead].sum())]
    return sums
