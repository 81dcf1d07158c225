"""Prints frames of records: heading, lines, and the totals of `-A`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from clients.listing.lines import Listing

RANK = "rank"
ONCE, NEVER = 0, -1


class Printer:
    """Prints records, numbered from `first` on, as a listing shows them.

    The heading goes before the first record (`every` 0), before each group of so many, or nowhere (negative).
    """

    def __init__(self, listing: Listing, every: int = ONCE, first: int = 1) -> None:
        self._listing = listing
        self._every = every
        self._first = first
        self.count = 0

    @property
    def columns(self) -> set[str]:
        """Names of the columns a frame needs to have."""
        return self._listing.needed - {RANK}

    def print(self, frame: pl.DataFrame) -> None:
        """Print the records of a frame."""
        if not frame.height:
            return
        start = self._first + self.count
        rank = pl.int_range(start, start + frame.height, eager=True).alias(RANK)
        text = self._listing.lines(frame.with_columns(rank))
        if self._every <= 0:
            if self._every == ONCE and not self.count:
                self._write([self._listing.heading()])
            self._write([text.str.join("\n").item()])
        else:
            self._grouped(text)
        self.count += frame.height
        sys.stdout.flush()

    def _grouped(self, text: pl.Series) -> None:
        start = 0
        while start < len(text):
            place = (self.count + start) % self._every
            if not place:
                self._write([self._listing.heading()])
            size = min(self._every - place, len(text) - start)
            self._write([text.slice(start, size).str.join("\n").item()])
            start += size

    def _write(self, parts: list[str]) -> None:
        sys.stdout.buffer.write("\n".join([*parts, ""]).encode())


class Totals:
    """What `-A` prints at the end."""

    columns = frozenset({"src_packets", "dst_packets", "src_bytes", "dst_bytes"})

    def __init__(self) -> None:
        self.read = self.records = self.packets = self.bytes = 0

    def note(self, count: int) -> None:
        """Count records that were read, whether or not a filter selects them."""
        self.read += count

    def add(self, frame: pl.DataFrame) -> None:
        """Count the records of a frame."""
        self.records += frame.height
        sums = frame.select(pl.col(self.columns).sum()).row(0, named=True)
        self.packets += sums["src_packets"] + sums["dst_packets"]
        self.bytes += sums["src_bytes"] + sums["dst_bytes"]

    def text(self) -> str:
        """Return the line that Argus prints; there are no management records among ours."""
        figures = {
            "Totalrecords": self.records,
            "TotalManRecords": 0,
            "TotalFarRecords": self.read,
            "TotalPkts": self.packets,
            "TotalBytes": self.bytes,
        }
        return " " + " ".join(f"{name} {figure:<9}" for name, figure in figures.items())
