"""When, and for how long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from topics.expression import col, lit, when
from topics.fields.columns import divided, end, nanoseconds, of, side_column, side_nanoseconds, start
from topics.fields.field import Field, both
from topics.fields.formats import INTEGER, SECONDS, TIME

if TYPE_CHECKING:
    from topics.expression import Value

MICROSECOND = 1000


def _merged(name: str) -> Value:
    """Blank what says nothing: a record that keeps no statistics of what was merged into it counts none."""
    return when(col("records") > 0).then(col(name))


def _mean() -> Value:
    return divided(col("duration_sum"), col("records"))


def _sum() -> Value:
    return when(col("records") > 0).then(col("duration_sum")).otherwise(0)


def _deviation() -> Value:
    mean = divided(col("duration_sum"), col("records")) / MICROSECOND
    variance = (divided(col("duration_square_sum"), col("records")) - mean * mean).abs()
    return when(col("records") > 1).then(variance.sqrt() * MICROSECOND).otherwise(0.0)


def _idle() -> Value:
    """Return how long ago the last packet was."""
    return lit(time.time_ns() // MICROSECOND * MICROSECOND) - end()


FIELDS = (
    Field("stime", "StartTime", 12, start, TIME, "Time of the first packet of either direction"),
    Field("ltime", "LastTime", 12, end, TIME, "Time of the last packet of either direction"),
    *both(
        "{s}stime",
        "{Src}StartTime",
        12,
        lambda side: side_column(side, "first"),
        TIME,
        "Time of the first packet from the {source}",
    ),
    *both(
        "{s}ltime",
        "{Src}LastTime",
        12,
        lambda side: side_column(side, "last"),
        TIME,
        "Time of the last packet from the {source}",
    ),
    Field("dur", "Dur", 10, nanoseconds, SECONDS, "Time from the first to the last packet, s"),
    *both("{s}dur", "{Src}Dur", 10, side_nanoseconds, SECONDS, "The same of the packets from the {source}, s"),
    Field("rtime", "RelTime", 12, lambda: start() - col("origin"), SECONDS, "Start after that of the first record, s"),
    Field("idle", "IdleTime", 10, _idle, SECONDS, "Time since the last packet, s"),
    Field("trans", "Trans", 6, of(col, "records"), INTEGER, "Records merged into this one"),
    Field("mean", "Mean", 10, _mean, SECONDS, "Mean duration of the merged records, s"),
    Field("stddev", "StdDev", 10, _deviation, SECONDS, "Standard deviation of those durations, s"),
    Field("sum", "Sum", 10, _sum, SECONDS, "Sum of those durations, s"),
    Field("runtime", "RunTime", 10, _sum, SECONDS, "Sum of those durations, s"),
    Field("min", "Min", 10, of(_merged, "duration_min"), SECONDS, "Shortest of those durations, s"),
    Field("max", "Max", 10, of(_merged, "duration_max"), SECONDS, "Longest of those durations, s"),
)
