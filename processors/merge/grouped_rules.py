"""The merge rules of rules.py as Polars aggregations over the records of one key, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.merge.rules import LARGEST_SCALE, SCALES
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.schema import Field

OBSERVER = ("site", "probe", "interface")
FIELDS = {field.name: field for field in flow_fields()}
LEAST, LARGEST = "least:", "largest:"  # what an address column begins with until its common prefix is known
SQUARES = 1e6  # sums of squares are kept in us^2: whole numbers of ns^2 add up alike in any order


def merged_column(name: str) -> list[pl.Expr]:
    """Return what becomes of a column of topics/frame.py when the records of a key are merged.

    Of addresses, that is their least and largest. Raises KeyError for a column without a rule here: payload,
    histograms, labels.
    """
    if name in OBSERVER:
        return [pl.col(name).first()]
    field = FIELDS[name]
    rule, _, count = field.merge.partition(":")
    if rule == "prefix":
        return [pl.col(name).min().alias(LEAST + name), pl.col(name).max().alias(LARGEST + name)]
    if rule == "min_counted":
        return [_among(pl.col(f"{name[:4]}{count}") != 0, name).min().fill_null(pl.col(name).first()).alias(name)]
    if name in SCALES:
        return [_window(field).alias(name)]
    return [RULES[rule](field).alias(name)]


def _among(condition: pl.Expr, name: str) -> pl.Expr:
    """Return the values of the records that meet a condition, null for those of the others."""
    return pl.when(condition).then(pl.col(name))


def _of_its_side(field: Field) -> pl.Expr:
    return _among(pl.col(f"{field.name[:4]}packets") != 0, field.name)


def _nothing(field: Field) -> pl.Expr:
    """Return what stands for no value."""
    return pl.lit(bytes(field.size) if field.kind == "fixed" else b"" if field.store == "heap" else 0)


def _set(field: Field) -> pl.Expr:
    """Return the values that say something."""
    if field.unit.startswith("ns since"):
        return pl.col(field.name)
    if field.store == "heap":
        return _among(pl.col(field.name).bin.size() > 0, field.name)
    return _among(pl.col(field.name) != _nothing(field), field.name)


def _or_nothing(field: Field, value: pl.Expr) -> pl.Expr:
    return value if field.unit.startswith("ns since") else value.fill_null(_nothing(field))


def _sum(field: Field) -> pl.Expr:
    if field.store != "f8":
        return pl.col(field.name).sum()
    whole = (pl.col(field.name) * SQUARES).round().cast(pl.Int128, strict=False).sum().cast(pl.Float64) / SQUARES
    return pl.when(pl.len() == 1).then(pl.col(field.name).first()).otherwise(whole)


def _same(field: Field) -> pl.Expr:
    value = pl.col(field.name)
    return pl.when(value.min() == value.max()).then(value.min()).otherwise(_nothing(field))


def _same_side(field: Field) -> pl.Expr:
    value = _of_its_side(field)
    agreed = pl.when(value.min() == value.max()).then(value.min()).otherwise(_nothing(field))
    return pl.when(value.count() == 0).then(pl.col(field.name).first()).otherwise(agreed)


def _window(field: Field) -> pl.Expr:
    """Return the last window that is not 0, scaled by what another record knows where its own knows no scale."""
    scale = FIELDS[SCALES[field.name]]
    known = pl.col(field.name) != 0
    own, window = (_among(known, name).last(ignore_nulls=True).fill_null(0) for name in (scale.name, field.name))
    shift = pl.when(own == 0).then(RULES["first_set"](scale)).otherwise(0).clip(0, LARGEST_SCALE)
    return window.cast(pl.Int64) * pl.lit(2, pl.Int64).pow(shift) % (1 << 32)


RULES: dict[str, Callable[[Field], pl.Expr]] = {
    "first": lambda field: pl.col(field.name).first(),
    "last": lambda field: pl.col(field.name).last(),
    "sum": _sum,
    "min": lambda field: pl.col(field.name).min(),
    "max": lambda field: pl.col(field.name).max(),
    "prefix_length": lambda field: pl.col(field.name).min(),
    "min_set": lambda field: _or_nothing(field, _set(field).min()),
    "first_set": lambda field: _or_nothing(field, _set(field).first(ignore_nulls=True)),
    "or": lambda field: pl.col(field.name).bitwise_or(),
    "same": _same,
    "same_side": _same_side,
    "last_side": lambda field: _of_its_side(field).last(ignore_nulls=True).fill_null(pl.col(field.name).first()),
}
