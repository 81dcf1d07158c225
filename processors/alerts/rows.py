"""What a rule gets to see: its records added up by time slot and group, the same however they came in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from processors.access_lists import policy_filter
from processors.alerts.streams import flow_filter, table_filter
from topics.expression.polars import polars
from topics.expression.value import column_names
from topics.fields import field
from topics.frame import to_arrow

if TYPE_CHECKING:
    from processors.alerts.settings import Rule
    from topics.batch import FlowBatch

SLOT = 250_000_000  # ns of event time that are looked at together
HEARD_SPANS = 16  # that `except_heard` is made of: how exactly it is known when an address was heard
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


def sorted_rows(frame: pl.DataFrame) -> list[Row]:
    """Return the rows of a frame in their one order."""
    names = [name for name in frame.columns if name not in COLUMNS]
    ordered = frame.sort("slot", "which", *names, "d")
    keys = zip(*(ordered[name].to_list() for name in names), strict=True) if names else [()] * ordered.height
    return list(map(Row._make, zip(*(ordered[name].to_list() for name in COLUMNS), keys, strict=True)))


def added_up(frame: pl.LazyFrame, names: list[str], *, most: bool) -> pl.LazyFrame:
    """Return one row for each slot and group (`names`); `v` is the most of its values, or their sum.

    Of addresses that sent (HEARD) only the first slot of each span `v` is kept: it is all that anybody remembers.
    """
    heard = pl.col("which") == HEARD
    span = pl.when(heard).then("v").otherwise("slot").alias("span")
    return (
        frame.group_by("which", *names, "d", span)
        .agg(
            pl.col("slot").min(),
            pl.col("n", "w", "packets", "bytes").sum(),
            pl.when(heard.first())
            .then(pl.col("v").first())
            .otherwise(pl.col("v").max() if most else pl.col("v").sum()),
            pl.col("first").min(),
            pl.col("last").max(),
            pl.col("id").min(),
        )
        .drop("span")
    )


class _Selected(NamedTuple):
    """What one rule takes out of a frame: filters by the number of what they select, and values."""

    rule: Rule
    filters: list[tuple[int, pl.Expr | None]]
    values: list[pl.Expr]

    @property
    def most(self) -> bool:
        return self.rule.kind in {"lasting", "grows"}

    def rows(self, frame: pl.LazyFrame, more: list[pl.LazyFrame]) -> pl.LazyFrame:
        """Return what the rule gets to see of a frame."""
        parts = [
            (frame if mask is None else frame.filter(mask)).select(pl.lit(which, pl.Int8).alias("which"), *self.values)
            for which, mask in self.filters
        ]
        together = pl.concat([*parts, *more], how="vertical_relaxed") if len(parts) + len(more) > 1 else parts[0]
        rows = together.drop_nulls().with_columns(SLOTS)
        if self.rule.lasting is not None:
            return rows.filter(pl.col("v") >= round(self.rule.lasting.over * THOUSANDTHS))
        return rows


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
        frame = pl.DataFrame(to_arrow(batch, self._columns)).with_columns(_base(self._columns)).lazy()
        plans = [each.rows(frame, _heard(frame, each.rule)) for each in self._rules]
        return [rows if rows.height else None for rows in pl.collect_all(plans)]

    def _selected(self, rule: Rule) -> _Selected:
        text = policy_filter(rule.policy, rule.match) if rule.policy else rule.match
        found: list[tuple[int, pl.Expr | None]] = []
        if rule.threshold is not None and rule.threshold.except_heard:
            self._columns |= {"src_address", "dst_address"}
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
            pl.col("id"),
        ]

    def _value(self, name: str) -> pl.Expr:
        if name in ADDRESSES:
            self._columns.add(ADDRESSES[name])
            return pl.col(f"{ADDRESSES[name]}_hex")
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


def _base(columns: set[str]) -> list[pl.Expr]:
    return [
        *(pl.col(name).bin.encode("hex").alias(f"{name}_hex") for name in ADDRESSES.values() if name in columns),
        pl.col("flow_id").bin.encode("hex").alias("id"),
        pl.min_horizontal("src_first", "dst_first").cast(pl.Int64).alias("first"),
        pl.max_horizontal("src_last", "dst_last").cast(pl.Int64).alias("last"),
        (pl.col("src_packets") + pl.col("dst_packets")).alias("packets"),
        (pl.col("src_bytes") + pl.col("dst_bytes")).alias("bytes"),
    ]


def thousandths(value: pl.Expr) -> pl.Expr:
    """Return a number as whole thousandths, 0 where there is none."""
    return (value.cast(pl.Float64) * THOUSANDTHS).round().fill_nan(0).cast(pl.Int64, strict=False).fill_null(0)


def _heard(frame: pl.LazyFrame, rule: Rule) -> list[pl.LazyFrame]:
    """Return who sent a packet, for a rule that asks."""
    if rule.threshold is None or not rule.threshold.except_heard:
        return []
    span = max(SLOT, round(rule.threshold.except_heard * 1e9) // HEARD_SPANS)
    return [
        frame.filter(pl.col(f"{side}_packets") > 0).select(
            pl.lit(HEARD, pl.Int8).alias("which"),
            *(pl.lit("", pl.String).alias(f"k.{place}") for place in range(len(rule.fields))),
            pl.col(f"{side}_address_hex").alias("d"),
            pl.lit(0, pl.Int64).alias("n"),
            (pl.col("first") // span).alias("v"),
            pl.lit(0, pl.Int64).alias("w"),
            pl.col("first", "last"),
            *(pl.lit(0, pl.Int64).alias(name) for name in ("packets", "bytes")),
            pl.lit("", pl.String).alias("id"),
        )
        for side in ("src", "dst")
    ]


class TableRows:
    """The same out of tables: `time` (ns) and the columns that streams.py tells."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = [self._selected(rule) for rule in rules]

    def __call__(self, frame: pl.DataFrame) -> list[pl.DataFrame | None]:
        """Return the rows of each rule, None where it has none."""
        plans = [each.rows(frame.lazy(), []) for each in self._rules]
        return [rows if rows.height else None for rows in pl.collect_all(plans)]

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
