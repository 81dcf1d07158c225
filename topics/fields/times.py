"""When, and for how long."""

from __future__ import annotations

import polars as pl

from topics.fields.columns import end, nanoseconds, of, side_column, side_nanoseconds, start
from topics.fields.field import Field, both
from topics.fields.formats import INTEGER, SECONDS, TIME

MICROSECOND = 1000


def _merged(value: pl.Expr) -> pl.Expr:
    """Blank what says nothing: a record that keeps no statistics of what was merged into it counts none."""
    return pl.when(pl.col("records") > 0).then(value)


def _mean() -> pl.Expr:
    return _merged(pl.col("duration_sum") / pl.col("records")).fill_null(0)


def _deviation() -> pl.Expr:
    mean = pl.col("duration_sum") / pl.col("records") / MICROSECOND
    variance = (pl.col("duration_square_sum") / pl.col("records") - mean * mean).abs()
    alone = pl.col("records") <= 1
    return pl.when(alone).then(0.0).otherwise(variance.sqrt() * MICROSECOND)


def _sum() -> pl.Expr:
    return _merged(pl.col("duration_sum")).fill_null(0)


FIELDS = (
    Field("stime", "StartTime", 12, start, TIME),
    Field("ltime", "LastTime", 12, end, TIME),
    *both("{s}stime", "{Src}StartTime", 12, lambda side: side_column(side, "first"), TIME),
    *both("{s}ltime", "{Src}LastTime", 12, lambda side: side_column(side, "last"), TIME),
    Field("dur", "Dur", 10, nanoseconds, SECONDS),
    *both("{s}dur", "{Src}Dur", 10, side_nanoseconds, SECONDS),
    Field("trans", "Trans", 6, of(pl.col, "records"), INTEGER),
    Field("mean", "Mean", 10, _mean, SECONDS),
    Field("stddev", "StdDev", 10, _deviation, SECONDS),
    Field("sum", "Sum", 10, _sum, SECONDS),
    Field("runtime", "RunTime", 10, _sum, SECONDS),
    Field("min", "Min", 10, lambda: _merged(pl.col("duration_min")), SECONDS),
    Field("max", "Max", 10, lambda: _merged(pl.col("duration_max")), SECONDS),
)
