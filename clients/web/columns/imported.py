"""Flows of databases and of files that are no Parquet, read into Parquet of our own, for columns to be made of.

A file is read once. Of a database each hour is read by itself: those that changed, and those first that are asked for.
"""

from __future__ import annotations

import os
from collections import defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from clients.options import Parsed
from clients.reading.selection import Selection
from clients.reading.sources import Source, to_batch
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from topics.batch import Records

MOST_ROWS = 20_000_000
PIECE = 131_072
HOUR = 3600 * 1_000_000_000
STATEMENT_SECONDS = 60.0
HOURS = "SELECT {hour}, count(*), min(stime), max(ltime) FROM {table} GROUP BY {hour}"


class Hour(NamedTuple):
    """The flows of a database that begin in an hour (since 1970), how many, and where they are once they are read."""

    address: str
    hour: int
    rows: int
    path: Path

    @property
    def first(self) -> int:
        """When it begins (ns)."""
        return self.hour * HOUR

    @property
    def end(self) -> int:
        """The last ns of it."""
        return self.first + HOUR - 1

    def read(self) -> None:
        """Read its flows; raises DatabaseError."""
        from sinks.sql.address import display_name, parse
        from sinks.sql.reader import read_flows

        began = pl.min_horizontal("src_first", "dst_first").cast(pl.Int64).is_between(self.first, self.end)
        frames = read_flows(self.address, between=(self.first, self.end), seconds=STATEMENT_SECONDS)
        of_hour = (frame.filter(began) for frame in frames)
        _write(self.address, of_hour, self.path, {"database": display_name(parse(self.address))})


def imported(name: str, cache: Path) -> str:
    """Return the Parquet file that holds the flows of another file as they are now; raises ArgosyError."""
    from clients.web.columns.prepared import key_of

    kept = cache / f"{_hashed(name, key_of(name))}.parquet"
    if not kept.exists():
        _write(name, Source(Parsed(), [name]).frames(Selection()), kept, {"file": name})
    return str(kept)


def hours(address: str, cache: Path) -> list[Hour]:
    """Return the hours of a database as they are now, the oldest first; raises DatabaseError."""
    from sinks.sql.reader import ask

    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for hour, *facts in ask(address, HOURS, STATEMENT_SECONDS):
        if hour is not None:
            found[int(hour)].append(tuple(facts))
    return [
        Hour(address, hour, sum(rows for rows, *_ in facts), cache / f"{_hashed(address, hour, sorted(facts))}.parquet")
        for hour, facts in sorted(found.items())
    ]


def _hashed(*what: object) -> str:
    return blake2b("\0".join(map(repr, what)).encode(), digest_size=16).hexdigest()


def _write(name: str, frames: Iterable[pl.DataFrame], kept: Path, origin: dict[str, str]) -> None:
    """Write all records in their order; the footer says where they are from (clients/explaining/places.py)."""
    from sinks.formats.parquet import ParquetWriter

    aside, rows, first, last = kept.with_name(f"{kept.name}.{os.getpid()}"), 0, 0, 0
    writer = ParquetWriter(str(aside))
    try:
        for frame in frames:
            rows += frame.height
            _check(name, rows)
            for piece in frame.iter_slices(PIECE):
                if not piece.height:
                    continue
                batch = to_batch(piece)
                begin, end = _times(batch.records)
                first, last = min(first or begin, begin), max(last, end)
                writer.write(batch)
        writer.describe({"first": first, "last": last, "read_from": origin})
        writer.close()
    except BaseException:
        writer.abort()
        raise
    aside.replace(kept)


def _check(name: str, rows: int) -> None:
    if rows > MOST_ROWS:
        raise InputError(f"{name}: holds more than {MOST_ROWS:,} flows; keep them as Parquet for the page")


def _times(records: Records) -> tuple[int, int]:
    from topics.batch import last_times, start_times

    return int(start_times(records).min()), int(last_times(records).max())
