"""What a rule gets to see: its records added up by time slot and group, the same however they came in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from processors.alerts.policy import policy_filter
from processors.alerts.streams import flow_filter, table_filter
from topics.expression.polars import polars
from topics.expression.value import column_names
from topics.fields import field
from topics.frame import to_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.alerts.settings import Rule
    from topics.batch import FlowBatch

SLOT = 250_000_000  # ns of event time that are looked at together
THOUSANDTHS = 1000  # sums are of whole thousandths: whole numbers add up to the same in any order
HEARD, FIRST, SECOND = -1, 0, 1  # addresses that sent; records of `match`; those of `sequence.then`
TIMES = ("src_first", "dst_first", "src_last", "dst_last")
COUNTS = ("src_packets", "dst_packets", "src_bytes", "dst_bytes")
ADDRESSES = {"saddr": "src_address", "daddr": "dst_address"}
SLOTS = (pl.col("first") // SLOT).alias("slot")


class Row(NamedTuple):
    """Records of one slot and group: `d` is the value that is told apart, `v` and `w` are sums in thousandths.

    `first` and `last` are ns, `id` is one of the flow ids, as hex.
    """

    slot: int
    which: int
    d: str | int | None
    n: int
    v: int
    w: int
    first: int
    last: int
    packets: int
    bytes: int
    id: str
    key: tuple[str | int, ...]


COLUMNS = Row._fields[:-1]


def sorted_rows(frame: pl.DataFrame) -> Iterator[Row]:
    """Yield the rows of a frame in their one order."""
    names = [name for name in frame.columns if name not in COLUMNS]
    for row in frame.sort("slot", "which", *names, "d").select(*COLUMNS, *names).iter_rows():
        yield Row._make((*row[: len(COLUMNS)], row[len(COLUMNS) :]))


def added_up(frame: pl.DataFrame, *, most: bool) -> pl.DataFrame:
    """Return one row for each slot and group; `v` is the most of its values, or their sum."""
    names = [name for name in frame.columns if name not in COLUMNS]
    return frame.group_by("slot", "which", *names, "d").agg(
        pl.col("n", "w", "packets", "bytes").sum(),
        pl.col("v").max() if most else pl.col("v").sum(),
        pl.col("first").min(),
        pl.col("last").max(),
        pl.col("id").min(),
    )


class _Selected(NamedTuple):
    """What one rule takes out of a frame: filters by the number of what they select, and values."""

    rule: Rule
    filters: list[tuple[int, pl.Expr | None]]
    values: list[pl.Expr]

    @property
    def most(self) -> bool:
        return self.rule.kind in {"lasting", "grows"}


class FlowRows:
    """Takes out of batches of flow records what each of some rules gets to see."""

    def __init__(self, rules: list[Rule]) -> None:
        self._columns: set[str] = {*TIMES, *COUNTS, "flow_id", "flow_start", "status_sequence"}
        self._rules = [self._selected(rule) for rule in rules]

    @property
    def needs_labels(self) -> bool:
        """Return whether some rule looks at labels."""
        return "labels" in self._columns

    def __call__(self, batch: FlowBatch) -> list[pl.DataFrame | None]:
        """Return the rows of each rule, None where it has none."""
        frame = pl.DataFrame(to_arrow(batch, self._columns))
        masks = frame.select(
            mask.alias(f"{place}.{which}")
            for place, selected in enumerate(self._rules)
            for which, mask in selected.filters
            if mask is not None
        )
        based = frame.with_columns(_base())
        return [self._rows(place, selected, based, masks) for place, selected in enumerate(self._rules)]

    def _rows(self, place: int, selected: _Selected, frame: pl.DataFrame, masks: pl.DataFrame) -> pl.DataFrame | None:
        parts = []
        for which, mask in selected.filters:
            chosen = frame if mask is None else frame.filter(masks[f"{place}.{which}"])
            if chosen.height:
                parts.append(chosen.select(pl.lit(which, pl.Int8).alias("which"), *selected.values).drop_nulls())
        if selected.rule.threshold is not None and selected.rule.threshold.except_heard:
            parts.append(_heard(frame, selected.rule))
        if not any(part.height for part in parts):
            return None
        return added_up(pl.concat(parts, how="vertical_relaxed").with_columns(SLOTS), most=selected.most)

    def _selected(self, rule: Rule) -> _Selected:
        text = policy_filter(rule.policy, rule.match) if rule.policy else rule.match
        found: list[tuple[int, pl.Expr | None]] = []
        then = [(SECOND, rule.sequence.then)] if rule.sequence else []
        for which, each in [(FIRST, text), *then]:
            value = flow_filter(each)
            self._columns |= set() if value is None else column_names(value)
            found.append((which, None if value is None else polars(value)))
        return _Selected(rule, found, self._values(rule))

    def _values(self, rule: Rule) -> list[pl.Expr]:
        distinct, summed = rule.measured
        lasted = (pl.col("last") - pl.col("flow_start").cast(pl.Int64)) // 1_000_000
        told = self._value(distinct) if distinct else pl.lit("", pl.String)
        if rule.beacon is not None:
            told = pl.when(pl.col("status_sequence") == 0).then(pl.col("flow_start").cast(pl.Int64))
        ratio = (rule.ratio.of, rule.ratio.to) if rule.ratio else (summed, "")
        return [
            *(self._value(name).alias(f"k.{place}") for place, name in enumerate(rule.fields)),
            told.alias("d"),
            pl.lit(1, pl.Int64).alias("n"),
            (lasted if rule.lasting else self._sum(ratio[0])).alias("v"),
            self._sum(ratio[1]).alias("w"),
            pl.col("first", "last", "packets", "bytes"),
            pl.col("flow_id").bin.encode("hex").alias("id"),
        ]

    def _value(self, name: str) -> pl.Expr:
        if name in ADDRESSES:
            self._columns.add(ADDRESSES[name])
            return pl.col(ADDRESSES[name]).bin.encode("hex")
        known = field(name)
        expression = known.expression()
        self._columns |= column_names(expression)
        value = polars(expression)
        return value.cast(pl.Int64) if known.format.holds == "number" and known.format.scale == 1 else value

    def _sum(self, name: str) -> pl.Expr:
        if not name:
            return pl.lit(0, pl.Int64)
        expression = field(name).expression()
        self._columns |= column_names(expression)
        return thousandths(polars(expression) / field(name).format.scale)


def _base() -> list[pl.Expr]:
    return [
        pl.min_horizontal("src_first", "dst_first").cast(pl.Int64).alias("first"),
        pl.max_horizontal("src_last", "dst_last").cast(pl.Int64).alias("last"),
        (pl.col("src_packets") + pl.col("dst_packets")).alias("packets"),
        (pl.col("src_bytes") + pl.col("dst_bytes")).alias("bytes"),
    ]


def thousandths(value: pl.Expr) -> pl.Expr:
    """Return a number as whole thousandths, 0 where there is none."""
    return (value.cast(pl.Float64) * THOUSANDTHS).round().fill_nan(0).cast(pl.Int64, strict=False).fill_null(0)


def _heard(frame: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Return who sent a packet."""
    sides = []
    for side in ("src", "dst"):
        if f"{side}_address" not in frame.columns:
            continue
        sides.append(
            frame.filter(pl.col(f"{side}_packets") > 0).select(
                pl.lit(HEARD, pl.Int8).alias("which"),
                *(pl.lit("", pl.String).alias(f"k.{place}") for place in range(len(rule.fields))),
                pl.col(f"{side}_address").bin.encode("hex").alias("d"),
                *(pl.lit(0, pl.Int64).alias(name) for name in ("n", "v", "w")),
                pl.col("first", "last"),
                *(pl.lit(0, pl.Int64).alias(name) for name in ("packets", "bytes")),
                pl.lit("", pl.String).alias("id"),
            )
        )
    return pl.concat(sides).drop_nulls()


class TableRows:
    """The same out of tables: `time` (ns) and the columns that streams.py tells."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = [self._selected(rule) for rule in rules]

    def __call__(self, frame: pl.DataFrame) -> list[pl.DataFrame | None]:
        """Return the rows of each rule, None where it has none."""
        return [self._rows(selected, frame) for selected in self._rules]

    def _rows(self, selected: _Selected, frame: pl.DataFrame) -> pl.DataFrame | None:
        parts = []
        for which, mask in selected.filters:
            chosen = frame if mask is None else frame.filter(mask)
            if chosen.height:
                parts.append(chosen.select(pl.lit(which, pl.Int8).alias("which"), *selected.values).drop_nulls())
        if not any(part.height for part in parts):
            return None
        return added_up(pl.concat(parts).with_columns(SLOTS), most=selected.most)

    def _selected(self, rule: Rule) -> _Selected:
        then = [(SECOND, rule.sequence.then)] if rule.sequence else []
        found = [(which, table_filter(text, rule.about)) for which, text in [(FIRST, rule.match), *then]]
        distinct, summed = rule.measured
        ratio = (rule.ratio.of, rule.ratio.to) if rule.ratio else (summed, "")
        sums = [thousandths(pl.col(name)) if name else pl.lit(0, pl.Int64) for name in ratio]
        values = [
            *(pl.col(name).alias(f"k.{place}") for place, name in enumerate(rule.fields)),
            (pl.col(distinct) if distinct else pl.lit("", pl.String)).alias("d"),
            pl.lit(1, pl.Int64).alias("n"),
            sums[0].alias("v"),
            sums[1].alias("w"),
            pl.col("time").alias("first"),
            pl.col("time").alias("last"),
            pl.lit(0, pl.Int64).alias("packets"),
            pl.lit(0, pl.Int64).alias("bytes"),
            (pl.col("flow") if rule.about == "dns" else pl.lit("", pl.String)).alias("id"),
        ]
        return _Selected(rule, found, values)
