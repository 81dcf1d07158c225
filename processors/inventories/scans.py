"""Scans: who tried many ports or many hosts, by rules as alerts have them, but over all of the time asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from processors.alerts.hits import Evidence
from processors.alerts.wording import query, subject_text
from processors.inventories.matching import matching
from processors.inventories.series import address_ranges, number_ranges
from processors.inventories.sums import Sums, merged
from topics.fields import field

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from processors.alerts.settings import Rule
    from processors.inventories.sums import Schema

RAW = {"saddr": "src_address", "daddr": "dst_address", "sport": "src_port", "dport": "dst_port"}
ADDRESSES = ("saddr", "daddr")
VALUE = "value"
FIGURES = dict.fromkeys(("records", "packets", "bytes"), "sum") | {"first": "min", "last": "max"}
FOUND: Schema = {
    "rule": pl.String,
    "scanner": pl.String,
    "target": pl.String,
    "tried": pl.Int64,
    "answered": pl.Int64,
    **dict.fromkeys(("records", "packets", "bytes"), pl.Int64),
    **dict.fromkeys(("first", "last"), pl.Datetime("ns", "UTC")),
    "which": pl.String,
    "query": pl.String,
}


def is_scan(rule: Rule) -> bool:
    """Tell whether a rule counts the distinct values of a field by who sent: what a scan is, beside its time."""
    said = rule.threshold
    plain = rule.about == "records" and not rule.policy and said is not None and bool(said.distinct)
    return plain and said is not None and not said.except_heard and "saddr" in rule.fields


class Scan:
    """Looks for scans of one rule, which `is_scan`; `over` in the place of its threshold where it is given."""

    def __init__(self, rule: Rule, over: int | None = None) -> None:
        said = rule.threshold
        assert said is not None  # noqa: S101 - the rule is_scan
        self._rule, self._counted, self._by = rule, said.distinct, list(rule.fields)
        self._over = said.over if over is None else over
        self._wanted = matching(rule.match)
        self._tried = Sums([*self._by, VALUE], FIGURES)
        self._answers = Sums([*self._by, VALUE], {})
        self._found = pl.DataFrame()

    @property
    def columns(self) -> set[str]:
        """Names of the columns of records that it takes."""
        values = [self._wanted, *self._figures(), *(_raw(name) for name in (*self._by, self._counted))]
        return {"dst_packets", *(name for value in values for name in value.meta.root_names())}

    def add(self, records: pl.DataFrame) -> None:
        """Take records, of which those count that the rule matches."""
        self._tried.add(records.lazy().filter(self._wanted).select(*self._keys(), *self._figures()))

    def finish(self) -> None:
        """Decide who scanned: whoever tried more values than the threshold."""
        tried = self._tried.frame()
        subjects = tried.group_by(self._by).agg(pl.len().cast(pl.Int64).alias("tried"), *merged(FIGURES))
        self._found = subjects.filter(pl.col("tried") > self._over)

    def add_answers(self, records: pl.DataFrame) -> None:
        """Take the same records once more, of which those count that answered one of the scanners."""
        if not self._found.height:
            return
        answered = records.lazy().filter((pl.col("dst_packets") > 0) & ~self._wanted).select(self._keys())
        self._answers.add(answered.join(self._found.lazy(), on=self._by, how="semi"))

    def found(self, *, answers: bool) -> pl.DataFrame:
        """Return scans with the columns FOUND; `answered` is null unless records were looked at once more."""
        if not self._found.height:
            return pl.DataFrame(schema=FOUND)
        known = self._found.join(self._which(), on=self._by)
        if answers:
            counts = self._answers.frame().group_by(self._by).agg(pl.len().cast(pl.Int64).alias("answered"))
            known = known.join(counts, on=self._by, how="left").with_columns(pl.col("answered").fill_null(0))
        rows = [self._finding(row) for row in known.iter_rows(named=True)]
        return pl.DataFrame(rows, schema=FOUND)

    def _keys(self) -> list[pl.Expr]:
        return [_raw(name).alias(name) for name in self._by] + [_raw(self._counted).alias(VALUE)]

    def _figures(self) -> list[pl.Expr]:
        return [
            pl.lit(1, pl.Int64).alias("records"),
            (pl.col("src_packets") + pl.col("dst_packets")).alias("packets"),
            (pl.col("src_bytes") + pl.col("dst_bytes")).alias("bytes"),
            pl.min_horizontal("src_first", "dst_first").alias("first"),
            pl.max_horizontal("src_last", "dst_last").alias("last"),
        ]

    def _which(self) -> pl.DataFrame:
        values = self._tried.frame().join(self._found, on=self._by, how="semi")
        listed = address_ranges if self._counted in ADDRESSES else number_ranges
        return listed(values, self._by, VALUE).select(*self._by, pl.col("ranges").alias("which"))

    def _finding(self, row: dict[str, Any]) -> dict[str, Any]:
        subject = tuple((name, _text(name, row[name])) for name in self._by)
        others = (value if name in ADDRESSES else f"{name} {value}" for name, value in subject if name != "saddr")
        told = {name: row[name] for name in (*FIGURES, "tried", "which")}
        return told | {
            "rule": self._rule.name,
            "scanner": dict(subject)["saddr"],
            "target": " ".join(others),
            "answered": row.get("answered"),
            "query": query(
                self._rule, subject, Evidence(first=nanoseconds(row["first"]), last=nanoseconds(row["last"]))
            ),
        }


def _raw(name: str) -> pl.Expr:
    """Return a field as it is kept, which is quicker to compare than its text."""
    return pl.col(RAW[name]) if name in RAW else field(name).value()


def nanoseconds(time: datetime | None) -> int:
    """Return a time as ns since 1970, to the microsecond; of packets of that very moment records have none."""
    return round(time.timestamp() * 1_000_000) * 1000 if time else 0


def _text(name: str, value: Any) -> str:  # noqa: ANN401 - of any field
    return subject_text(value.hex()) if isinstance(value, bytes) and name in ADDRESSES else str(value)


def together(scans: Iterable[Scan], *, answers: bool) -> pl.DataFrame:
    """Return what all of them found, those that tried most first."""
    found = pl.concat(scan.found(answers=answers) for scan in scans)
    return found.sort("tried", "rule", "scanner", "target", descending=[True, False, False, False])
