"""Two times or archives held against each other: what is new, gone, grown, shrunk, and whether that is chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from processors.inventories.bins import SECOND, Binned
from processors.inventories.services import is_answered
from topics.expression import col
from topics.expression.polars import polars
from topics.fields import field
from topics.fields.columns import WITH_PORTS, is_ip, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SIDES = ("src", "dst")
NEW, GONE, GROWN, SHRUNK = "new", "gone", "grown", "shrunk"
METRICS = {
    "bytes": ("src_bytes", "dst_bytes"),
    "pkts": ("src_packets", "dst_packets"),
    "records": (),
}
RAW = {"saddr": "src_address", "daddr": "dst_address", "sport": "src_port", "dport": "dst_port"}
NARROWEST = 1e-300  # p-values below are of no use


class Subjects:
    """What is compared: the names of the keys, and the rows that records give; a record may be of two subjects."""

    def __init__(self, keys: Sequence[str], sides: Sequence[dict[str, pl.Expr]], wanted: pl.Expr | None = None) -> None:
        self.keys = tuple(keys)
        self._sides, self._wanted = sides, wanted

    @property
    def columns(self) -> set[str]:
        """Names of the columns of records that it takes."""
        values = [value for side in self._sides for value in side.values()]
        return {name for value in (*values, *self._conditions()) for name in value.meta.root_names()}

    def rows(self, records: pl.LazyFrame, value: pl.Expr) -> pl.DataFrame:
        """Return the keys, `time` and `value` of records, without those that have no key."""
        time = polars(start()).alias("time")
        of_subjects = records.filter(*self._conditions())
        sides = [
            of_subjects.select(*(key.alias(name) for name, key in side.items()), time, value.alias("value"))
            for side in self._sides
        ]
        return pl.concat(sides).drop_nulls().collect(engine="streaming")

    def _conditions(self) -> list[pl.Expr]:
        return [] if self._wanted is None else [self._wanted]


def _hosts() -> Subjects:
    sides: list[dict[str, pl.Expr]] = [
        {"host": pl.when(pl.col(f"{side}_packets") > 0).then(pl.col(f"{side}_address"))} for side in SIDES
    ]
    return Subjects(["host"], sides, polars(is_ip()))


def _services() -> Subjects:
    key = {"host": pl.col("dst_address"), "protocol": pl.col("protocol"), "port": pl.col("dst_port")}
    return Subjects(list(key), [key], polars(is_ip()) & pl.col("protocol").is_in(WITH_PORTS) & is_answered())


def _labelled(name: str, label: str) -> Subjects:
    return Subjects([name], [{name: polars(col("labels").label(f"{s[0]}{label}"))} for s in SIDES])


SUBJECTS: dict[str, Callable[[], Subjects]] = {
    "hosts": _hosts,
    "services": _services,
    "names": lambda: _labelled("name", "name"),
    "countries": lambda: _labelled("country", "co"),
}


def of_fields(names: Sequence[str]) -> Subjects:
    """Return subjects by any printable fields; raises UsageError for one that is unknown."""
    keys = {name: pl.col(RAW[name]) if name in RAW else field(name).value().cast(pl.String) for name in names}
    return Subjects(list(keys), [keys])


def binned(pieces: Iterable[pl.LazyFrame], subjects: Subjects, metric: str) -> Binned:
    """Return the metric of subjects by time."""
    found, summed = Binned(subjects.keys), METRICS[metric]
    value = pl.sum_horizontal(summed).cast(pl.Int64) if summed else pl.lit(1, pl.Int64)
    for piece in pieces:
        found.add(subjects.rows(piece, value))
    return found


def columns(subjects: Subjects, metric: str) -> set[str]:
    """Return the columns of records that `binned` takes."""
    return subjects.columns | set(METRICS[metric]) | set(polars(start()).meta.root_names())


def compared(now: Binned, before: Binned, keys: Sequence[str], level: float) -> pl.DataFrame:
    """Return all subjects of both, those that changed most first.

    Columns: the keys; `before` and `now`, the sums; `factor`, how many times as much it is a second now (null without
    either); `change`; `p`, how probable so much of a difference is by chance; `significant`, whether it is none, of so
    many questions asked at once. What is in both is tested for different means over pieces of time
    (Welch), what is in one for the number of pieces that it is in. Of the significant not more than the part `level` is
    expected to be chance (Benjamini and Hochberg).
    """
    both = _moments(before, keys, "before").join(_moments(now, keys, "now"), on=keys, how="full", coalesce=True)
    sides = {"before": before, "now": now}
    both = both.with_columns(pl.col(name).fill_null(0) for name in both.columns if name not in keys)
    probable = np.where(
        both.select((pl.col("before_in") > 0) & (pl.col("now_in") > 0)).to_series().to_numpy(),
        _by_means(both, sides),
        _by_presence(both, sides),
    )
    per_second = {name: pl.col(name) / _seconds(side) for name, side in sides.items()}
    in_both = (pl.col("before_in") > 0) & (pl.col("now_in") > 0)
    more = per_second["now"] > per_second["before"]
    moved = (
        pl.when(pl.col("before_in") == 0)
        .then(pl.lit(NEW))
        .when(pl.col("now_in") == 0)
        .then(pl.lit(GONE))
        .otherwise(pl.when(more).then(pl.lit(GROWN)).otherwise(pl.lit(SHRUNK)))
    )
    found = both.with_columns(
        pl.Series("p", probable),
        pl.Series("significant", _discovered(probable, level)),
        pl.when(in_both).then(per_second["now"] / per_second["before"]).alias("factor"),
        (per_second["now"] - per_second["before"]).abs().alias("moved"),
        moved.alias("change"),
    )
    return found.sort("moved", *keys, descending=[True, *(False for _ in keys)])


def _moments(side: Binned, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Return of each key the sum, the sum of squares, and in how many pieces of time it is."""
    value = pl.col("value").cast(pl.Float64)
    aggregates = [pl.col("value").sum().alias(name), (value**2).sum().alias(f"{name}_squares")]
    return side.frame().group_by(keys).agg(*aggregates, pl.len().cast(pl.Int64).alias(f"{name}_in"))


def _seconds(side: Binned) -> float:
    return max(1, side.bins) * side.width / SECOND


def _by_means(both: pl.DataFrame, sides: dict[str, Binned]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how probable the difference of means is, after Welch; of Student's distribution as Wallace nears it."""
    means, errors, freedom = [], [], []
    for name, side in sides.items():
        pieces, length = max(2, side.bins), side.width / SECOND
        total, squares = both[name].to_numpy() / length, both[f"{name}_squares"].to_numpy() / length**2
        mean = total / pieces
        variance = np.maximum(squares - pieces * mean**2, 0) / (pieces - 1)
        means.append(mean)
        errors.append(variance / pieces)
        freedom.append(pieces - 1)
    error = errors[0] + errors[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.abs(means[1] - means[0]) / np.sqrt(error)
        degrees = error**2 / (errors[0] ** 2 / freedom[0] + errors[1] ** 2 / freedom[1])
        normal = np.sqrt(degrees * np.log1p(statistic**2 / degrees)) * (8 * degrees + 1) / (8 * degrees + 3)
    normal = np.where(error > 0, normal, np.where(means[0] == means[1], 0, np.inf))
    return np.array([max(NARROWEST, math.erfc(z / math.sqrt(2))) for z in normal])


def _by_presence(both: pl.DataFrame, sides: dict[str, Binned]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how probable it is that all pieces that a key is in are of one side, were they dealt out (Fisher)."""
    pieces = {name: max(1, side.bins) for name, side in sides.items()}
    whole = sum(pieces.values())

    def probable(inside: int, of: int) -> float:
        if inside > of:
            return 1.0
        ways = [math.lgamma(n + 1) - math.lgamma(n - inside + 1) for n in (of, whole)]
        return math.exp(ways[0] - ways[1])

    known = {name: [probable(count, pieces[name]) for count in range(max(pieces.values()) + 2)] for name in sides}
    counts = zip(both["before_in"].to_list(), both["now_in"].to_list(), strict=True)
    return np.array([known["now"][now] if now else known["before"][before] for before, now in counts], np.float64)


def _discovered(
    probable: np.ndarray[tuple[int], np.dtype[np.float64]], level: float
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    order = np.argsort(probable, kind="stable")
    ranked = probable[order] <= level * np.arange(1, len(order) + 1) / max(1, len(order))
    last = int(np.flatnonzero(ranked)[-1]) + 1 if ranked.any() else 0
    found = np.zeros(len(order), np.bool_)
    found[order[:last]] = True
    return found
