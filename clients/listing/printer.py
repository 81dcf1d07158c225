"""Prints frames of records: heading, lines, and the totals of `-A`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import polars as pl

from clients.listing.lines import heading, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from topics.fields import Field, Style

RANK = "rank"
ONCE, NEVER = 0, -1


class Printer:
    """Prints records, numbered from `first` on, in columns or between delimiters.

    The heading goes before the first record (`every` 0), before each group of so many, or nowhere (negative).
    """

    def __init__(
        self, columns: Sequence[Field], style: Style, delimiter: str = "", every: int = ONCE, first: int = 1
    ) -> None:
        self._heading = heading(columns, style, delimiter)
        self._lines = lines(columns, style, delimiter)
        self._every = every
        self._first = first
        self.count = 0

    @property
    def columns(self) -> set[str]:
        """Names of the columns a frame needs to have."""
        return set(self._lines.meta.root_names()) - {RANK}

    def print(self, frame: pl.DataFrame) -> None:
        """Print the records of a frame."""
        if not frame.height:
            return
        start = self._first + self.count
        rank = pl.int_range(start, start + frame.height, eager=True).alias(RANK)
        text = frame.with_columns(rank).select(self._lines).to_series()
        if self._every <= 0:
            if self._every == ONCE and not self.count:
                self._write([self._heading])
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
                self._write([self._heading])
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
