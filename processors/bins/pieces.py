"""What `split` does, for frames of a few columns: records cut at bin edges, their counters spread exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from processors.bins.split import SIDES, SUMMED, overlaps, proportion, share_until

if TYPE_CHECKING:
    from processors.bins.edges import BinSize

    Integers = np.ndarray[Any, np.dtype[np.int64]]

BIN = "bin"  # column that holds when the bin of a piece begins, ns
NEEDED = tuple(f"{side}_{what}" for side in SIDES for what in ("first", "last", "packets"))
DURATIONS = ("duration_sum", "duration_min", "duration_max")


def pieces(frame: pl.DataFrame, size: BinSize) -> pl.DataFrame:
    """Return the pieces of all records, in their order, with the columns of `frame` and BIN, int64 ns.

    The frame has the columns NEEDED and any others of topics/frame.py.
    """
    first, last = record_times(frame)
    low, high = size.starts(first), size.starts(last)
    crossing = np.flatnonzero(high > low)
    if not len(crossing):
        return frame.with_columns(pl.Series(BIN, low))
    rows, starts, ends = overlaps(low, high, crossing, size)
    whole = frame[rows]
    cut = np.flatnonzero((high > low)[rows])
    values = _cut(whole, cut, rows[cut], starts[cut], ends[cut])
    filled = np.ones(len(rows), bool)
    filled[cut] = (values["src_packets"] > 0) | (values["dst_packets"] > 0)
    changed = [_replaced(whole[name], cut, column) for name, column in values.items() if name in whole.columns]
    return whole.with_columns(*changed, pl.Series(BIN, starts)).filter(pl.Series(filled))


def record_times(frame: pl.DataFrame) -> tuple[Integers, Integers]:
    """Return when each record began and ended, ns, both of shape (n,)."""
    src, dst = _integers(frame["src_first"]), _integers(frame["dst_first"])
    first = np.where((src > 0) & (dst > 0), np.minimum(src, dst), np.maximum(src, dst))
    return first, np.maximum(_integers(frame["src_last"]), _integers(frame["dst_last"]))


def _integers(column: pl.Series) -> Integers:
    return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy()


def _cut(whole: pl.DataFrame, cut: Integers, owner: Integers, begin: Integers, end: Integers) -> dict[str, Any]:
    """Return what becomes of the columns of the pieces that were cut, each of shape (pieces cut,)."""
    leads = np.ones(len(cut), bool)
    leads[1:] = owner[1:] != owner[:-1]
    values: dict[str, Any] = {}
    for side in SIDES:
        values |= _cut_side(whole, cut, leads, side, begin, end)
    firsts, lasts = ([values[f"{side}_{what}"] for side in SIDES] for what in ("first", "last"))
    present = [np.where(each > 0, each, np.iinfo(np.int64).max) for each in firsts]
    duration = np.maximum(*lasts) - np.minimum(*present)
    values |= dict.fromkeys(DURATIONS, duration)
    return values | {"duration_square_sum": (duration / 1000.0) ** 2}


def _cut_side(
    whole: pl.DataFrame, cut: Integers, leads: np.ndarray[Any, Any], side: str, begin: Integers, end: Integers
) -> dict[str, Any]:
    packets, first, last = (_integers(whole[f"{side}_{what}"])[cut] for what in ("packets", "first", "last"))
    upto = share_until(packets, first, last, end)
    before = np.where(leads, 0, np.concatenate([[0], upto[:-1]]))
    got = upto - before
    values: dict[str, Any] = {}
    for field in SUMMED[side]:
        if field.name in whole.columns and field.kind == "double":
            values[field.name] = whole[field.name].to_numpy()[cut] * got / np.maximum(packets, 1)
        elif field.name in whole.columns:
            total = _integers(whole[field.name])[cut]
            values[field.name] = proportion(total, upto, packets) - proportion(total, before, packets)
    return values | {
        f"{side}_packets": got,
        f"{side}_first": np.where(got > 0, np.maximum(first, begin), 0),
        f"{side}_last": np.where(got > 0, np.minimum(last, end), 0),
    }


def _replaced(column: pl.Series, places: Integers, values: np.ndarray[Any, Any]) -> pl.Series:
    """Return a column with other values at these places; times of 0 are null."""
    physical = (column if column.dtype == pl.Float64 else column.to_physical().cast(pl.Int64).fill_null(0)).to_numpy()
    merged = physical.copy()
    merged[places] = values
    replaced = pl.Series(column.name, merged)
    if column.dtype.is_temporal():
        return replaced.set(replaced == 0, None).cast(column.dtype)
    return replaced.cast(column.dtype)
