"""Flows of databases and of files that are no Parquet, read into Parquet of our own once, for columns to be made of."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import TYPE_CHECKING

from clients.options import Parsed
from clients.selection import Selection
from clients.sources import Source, is_database, to_batch
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import polars as pl

    from topics.batch import Records

MOST_ROWS = 20_000_000
PIECE = 131_072


def imported(name: str, cache: Path) -> list[str]:
    """Return the Parquet file that holds the flows of a database or file as they are now; raises ArgosyError."""
    kept = cache / f"{_state(name)}.parquet"
    if not kept.exists():
        _write(name, Source(Parsed(), [name]).frames(Selection()), kept)
    return [str(kept)]


def _state(name: str) -> str:
    """Return what a source is known by as it is now: of a database, how many flows it has and when the last was."""
    if is_database(name):
        from sinks.sql.reader import ask

        said = repr(ask(name, "SELECT count(*), max(ltime) FROM {table}"))
    else:
        from clients.web.columns.prepared import key_of

        said = key_of(name)
    return blake2b(f"{name}\0{said}".encode(), digest_size=16).hexdigest()


def _write(name: str, frames: Iterable[pl.DataFrame], kept: Path) -> None:
    from sinks.formats.parquet import ParquetWriter

    aside, rows, first, last = kept.with_name(f"{kept.name}.{os.getpid()}"), 0, 0, 0
    writer = ParquetWriter(str(aside))
    try:
        for frame in frames:
            rows += frame.height
            _check(name, rows)
            for piece in frame.iter_slices(PIECE):
                batch = to_batch(piece)
                begin, end = _times(batch.records)
                first, last = min(first or begin, begin), max(last, end)
                writer.write(batch)
        writer.describe({"first": first, "last": last})
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
