"""The records of a flow among the files of an archive, and what else was seen of its conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from sinks.formats.scan import reading, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_RECORDS = 10_000
MOST_OTHERS = 200
NEAR = 60 * 1_000_000_000  # ns before and after a flow in which others of its conversation are looked for
ENDS = ("src_address", "src_port", "dst_address", "dst_port")


class File(NamedTuple):
    """A file of flows, and from when to when they are (ns)."""

    path: str
    first: int
    last: int


class Found(NamedTuple):
    """Records of one flow in their order, with the columns `file` and `row` that say where each is kept."""

    records: pl.DataFrame
    others: pl.DataFrame


def find(files: Sequence[File], flow_id: bytes, hint: tuple[str, int] | None = None) -> Found | None:
    """Return the records of a flow, None when there are none; `hint` is a file and row to look at first.

    Raises InputError.
    """
    records = _looked_for(files, pl.col("flow_id") == flow_id, MOST_RECORDS, hint)
    if not records.height:
        return None
    records = records.sort("status_sequence", "src_first", "dst_first")
    return Found(records, _others(files, records))


def span_of(records: pl.DataFrame) -> tuple[int, int]:
    """Return from when to when records are (ns)."""
    first = records.select(pl.min_horizontal("src_first", "dst_first").min().cast(pl.Int64)).item()
    last = records.select(pl.max_horizontal("src_last", "dst_last").max().cast(pl.Int64)).item()
    return int(first or 0), int(last or 0)


def _looked_for(files: Sequence[File], wanted: pl.Expr, most: int, hint: tuple[str, int] | None = None) -> pl.DataFrame:
    """Return the records that meet a condition: where one is found, its other records lie in files of that time."""
    found: list[pl.DataFrame] = []
    if hint is not None:
        found = [some for some in [_in_file(hint[0], wanted, most)] if some.height]
    searched = {hint[0]} if hint is not None else set()
    for file in files:
        if file.path in searched:
            continue
        if found and not _near(file, found[0]):
            continue
        some = _in_file(file.path, wanted, most)
        if some.height:
            found.append(some)
    return pl.concat(found).head(most) if found else pl.DataFrame(schema={"flow_id": pl.Binary})


def _near(file: File, found: pl.DataFrame) -> bool:
    first, last = span_of(found)
    return file.first <= last + 10 * NEAR and file.last >= first - 10 * NEAR


def _in_file(path: str, wanted: pl.Expr, most: int) -> pl.DataFrame:
    """Return the records of a file: first their places by the columns of the condition, then all columns of those."""
    with reading([path]):
        rows = scan([path]).with_row_index("row").filter(wanted).select("row").head(most).collect()["row"]
        parts = [scan([path]).with_row_index("row").slice(row, 1).collect() for row in rows.to_list()[:most]]
    empty = scan([]).with_row_index("row").collect()
    return (pl.concat(parts) if parts else empty).with_columns(pl.lit(path).alias("file"))


def _others(files: Sequence[File], records: pl.DataFrame) -> pl.DataFrame:
    """Return the other flows of the conversation at about that time, whoever saw them and whichever end began."""
    one = records.row(0, named=True)
    first, last = span_of(records)
    source, target = (one["src_address"], one["src_port"]), (one["dst_address"], one["dst_port"])
    ends = [
        (pl.col("src_address") == a[0])
        & (pl.col("src_port") == a[1])
        & (pl.col("dst_address") == b[0])
        & (pl.col("dst_port") == b[1])
        for a, b in ((source, target), (target, source))
    ]
    starts = pl.min_horizontal("src_first", "dst_first").cast(pl.Int64)
    stops = pl.max_horizontal("src_last", "dst_last").cast(pl.Int64)
    near = (starts <= last + NEAR) & (stops >= first - NEAR)
    wanted = (
        (ends[0] | ends[1]) & (pl.col("protocol") == one["protocol"]) & near & (pl.col("flow_id") != one["flow_id"])
    )
    touched = [file for file in files if file.first <= last + NEAR and file.last >= first - NEAR]
    return _looked_for(touched, wanted, MOST_OTHERS)
