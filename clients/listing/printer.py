"""Prints frames of records: heading, lines, and the totals of `-A`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import polars as pl

from sinks.formats.destination import writing_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Lines(Protocol):
        """What turns records into lines."""

        @property
        def needed(self) -> set[str]:
            """Names of the columns a frame needs to have."""

        def heading(self) -> str:
            """Return what comes before the records."""

        def lines(self, frame: pl.DataFrame) -> pl.Series:
            """Return one line for each record."""

        def blocks(self, frame: pl.DataFrame) -> Iterator[bytes | memoryview]:
            """Yield all lines with their ends, each piece to be used before the next is asked for."""

        def ending(self) -> str:
            """Return what comes after the records, empty for nothing."""


RANK, ORIGIN = "rank", "origin"
STARTS = {"src_first", "dst_first"}
ONCE, NEVER = 0, -1
OUTPUT = "standard output"


class Printer:
    """Prints records, numbered from `first` on, as a listing shows them.

    The heading goes before the first record (`every` 0), before each group of so many, or nowhere (negative).
    """

    def __init__(self, listing: Lines, every: int = ONCE, first: int = 1) -> None:
        self._listing = listing
        self._every = every
        self._first = first
        self._origin: int | None = None
        self.count = 0

    @property
    def columns(self) -> set[str]:
        """Names of the columns a frame needs to have."""
        needed = self._listing.needed
        return needed - {RANK, ORIGIN} | (STARTS if ORIGIN in needed else set())

    def print(self, frame: pl.DataFrame) -> None:
        """Print the records of a frame; raises OutputError where there is no room for them."""
        if frame.height:
            with writing_to(OUTPUT):
                self._print(frame)

    def _print(self, frame: pl.DataFrame) -> None:
        placed = self._placed(frame)
        if self._every <= 0:
            if self._every == ONCE and not self.count:
                self._write([self._listing.heading()])
            for block in self._listing.blocks(placed):
                sys.stdout.buffer.write(block)
        else:
            self._grouped(self._listing.lines(placed))
        self.count += frame.height
        sys.stdout.flush()

    def close(self) -> None:
        """Print what comes after the records; raises OutputError as `print` does."""
        ending = self._listing.ending()
        if not ending:
            return
        with writing_to(OUTPUT):
            if not self.count:
                self._write([self._listing.heading()])
            self._write([ending])
            sys.stdout.flush()

    def _placed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the number of each record, and when the first of all began, where a field asks for it.

        A frame in which not all columns are cut alike is put together anew for whatever is asked of it.
        """
        if RANK in self._listing.needed:
            start = self._first + self.count
            frame = frame.with_columns(pl.int_range(start, start + frame.height, eager=True).alias(RANK)).rechunk()
        if ORIGIN not in self._listing.needed:
            return frame
        if self._origin is None:
            first = frame.select(pl.min_horizontal("src_first", "dst_first").cast(pl.Int64)).to_series()[0]
            self._origin = int(first or 0)
        return frame.with_columns(pl.lit(self._origin).alias(ORIGIN))

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
