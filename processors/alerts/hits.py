"""What a condition says of a subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.alerts.keyed import Key
    from processors.alerts.rows import Row

MOST_IDS = 8


@dataclass(slots=True)
class Evidence:
    """Records that led to an alert: how many, from when to when (ns), and some of the flows (hex)."""

    n: int = 0
    packets: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, other: Evidence) -> None:
        """Take more of them."""
        self.n += other.n
        self.packets += other.packets
        self.bytes += other.bytes
        self.first = min(self.first or other.first, other.first or self.first)
        self.last = max(self.last, other.last)
        for each in other.ids:
            if len(self.ids) >= MOST_IDS:
                break
            if each not in self.ids:
                self.ids.append(each)


@dataclass(slots=True)
class Hit:
    """A condition holds for a key at a time (ns, end of a slot).

    `whole` is what led to it in all, `added` what this slot has added. One that `stays` is not resolved by time but
    when it is `over`. `note` tells what is to be said besides.
    """

    key: Key
    time: int
    value: float
    limit: float
    whole: Evidence
    added: Evidence
    stays: bool = False
    over: bool = False
    note: str = ""


def evidence(row: Row) -> Evidence:
    """Return the records of a row."""
    return Evidence(row.n, row.packets, row.bytes, row.first, row.last, [row.id] if row.id else [])
