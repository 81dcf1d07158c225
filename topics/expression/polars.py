"""Values as Polars expressions over a frame with the columns of topics/frame.py."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from topics.address_columns import class_network_column, ip_column, mac_column
from topics.community_id import flow_ids
from topics.expression.label_text import ESCAPED
from topics.expression.networks import sixteen
from topics.expression.value import Value, col, greatest, least
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from topics.timerange import TimeRange

NARROW = {"u1", "u2", "u4"}


@functools.cache
def _kinds() -> dict[str, str]:
    """Return what has to be done to columns before they are computed with: time, word or narrow."""
    kinds = dict.fromkeys(("site", "probe", "interface", "cause"), "word")
    for field in flow_fields():
        if field.unit.startswith("ns since"):
            kinds[field.name] = "time"
        elif field.store in NARROW and field.kind != "enum":
            kinds[field.name] = "narrow"
    return kinds


def polars(value: Value) -> pl.Expr:
    """Return the expression that computes a value."""
    return OPERATIONS[value.operation](*value.parts)


def _bare(value: Value) -> pl.Expr:
    """Return a value to be compared: a narrow column as it is, so that the statistics of a file speak of it."""
    if value.operation == "column" and _kinds().get(str(value.parts[0])) in {"narrow", "time"}:
        return pl.col(str(value.parts[0]))
    return polars(value)


def _column(name: str) -> pl.Expr:
    """Return a column as an operand of arithmetic: those of few bits would overflow."""
    kind = _kinds().get(name)
    if kind == "word":
        return pl.col(name).cast(pl.String)
    return pl.col(name) if kind is None else pl.col(name).cast(pl.Int64)


def _binary(name: str) -> Callable[[Value, Value], pl.Expr]:
    return lambda left, right: getattr(polars(left), name)(polars(right))


def _comparison(name: str) -> Callable[[Value, Value], pl.Expr]:
    def build(left: Value, right: Value) -> pl.Expr:
        return cast("pl.Expr", getattr(_bare(left), name)(_bare_instant(right) if _is_time(left) else _bare(right)))

    return build


def _is_time(value: Value) -> bool:
    return value.operation == "column" and _kinds().get(str(value.parts[0])) == "time"


def _bare_instant(value: Value) -> pl.Expr:
    """Return a constant as an instant, to be compared with a column of times; a column of times as it is."""
    if value.operation == "constant":
        return pl.lit(value.parts[0]).cast(pl.Int64).cast(pl.Datetime("ns", "UTC"))
    return _bare(value)


def _in_spans(wanted: TimeRange) -> pl.Expr:
    """Tell which records a time range with wildcards lets through, before it is negated."""
    times = [polars(least(col("src_first"), col("dst_first"))), polars(greatest(col("src_last"), col("dst_last")))]
    return pl.struct(times[0].alias("start"), times[1].alias("end")).map_batches(
        lambda records: _spanned(records.struct.unnest(), wanted), return_dtype=pl.Boolean, is_elementwise=True
    )


def _spanned(times: pl.DataFrame, wanted: TimeRange) -> pl.Series:
    if not times.height or times["start"].null_count() == times.height:
        return pl.repeat(value=False, n=times.height, eager=True)
    first, last = times["start"].min(), times["end"].max()
    spans = pl.DataFrame(wanted.spans(int(str(first)), int(str(last))), schema=["begin", "stop"], orient="row")
    begins, stops = (spans[name].cast(pl.Int64).sort() for name in ("begin", "stop"))
    start, end = times["start"].fill_null(0), times["end"].fill_null(0)
    if not len(begins):
        return pl.repeat(value=False, n=times.height, eager=True)
    if wanted.mode == "intersects":  # more spans begin before the end than are over at the start
        return begins.search_sorted(end, side="right") > stops.search_sorted(start, side="left")
    place = begins.search_sorted(start, side="right").cast(pl.Int64) - 1
    if wanted.mode == "spans":
        place = begins.search_sorted(start, side="left").cast(pl.Int64)
    held = place.is_between(0, len(begins) - 1)
    stop = stops.gather(place.clip(0, len(begins) - 1))
    return held & ((end <= stop) if wanted.mode == "contained" else (end >= stop))


def _unary(name: str) -> Callable[[Value], pl.Expr]:
    return lambda value: getattr(polars(value), name)()


def _case(*parts: Value) -> pl.Expr:
    pairs = len(parts) // 2
    text: Any = pl
    for index in range(pairs):
        text = text.when(polars(parts[2 * index])).then(polars(parts[2 * index + 1]))
    chosen: pl.Expr = text.otherwise(polars(parts[-1])) if len(parts) % 2 else text
    return chosen


def _extreme(values: Sequence[Value], comparison: str, several: Callable[[list[pl.Expr]], pl.Expr]) -> pl.Expr:
    """Return the least or the greatest value there is; of two a choice takes half the time."""
    asked = [polars(value) for value in values]
    if len(asked) != 2:
        return several(asked)
    one, other = asked
    return pl.when(getattr(one, comparison)(other) | other.is_null()).then(one).otherwise(other)


def _word(value: Value, words: Mapping[int, str], default: Value) -> pl.Expr:
    return polars(value).replace_strict(words, default=polars(default), return_dtype=pl.String)


def _ip_within(value: Value, network: IPv4Network | IPv6Network) -> pl.Expr:
    """Compare with the ends of the network: the bytes of addresses sort like the numbers they are."""
    address = polars(value)
    first, last = sixteen(network.network_address.packed), sixteen(network.broadcast_address.packed)
    return address == first if first == last else (address >= first) & (address <= last)


def _mac_is(value: Value, mac: bytes) -> pl.Expr:
    return polars(value) == (bytes(10) + mac if str(value.parts[0]).endswith("address") else mac)


def _where(value: Value, condition: Value | None) -> pl.Expr:
    return polars(value) if condition is None else pl.when(polars(condition)).then(polars(value))


def _label(value: Value, key: str) -> pl.Expr:
    said = polars(value).str.extract(f"(?:^|:){key}=([^:]*)")
    return said.str.replace_many(list(ESCAPED), list(ESCAPED.values()))


def _latin(column: pl.Series) -> pl.Series:
    return pl.Series([value and value.decode("latin-1") for value in column.to_list()], dtype=pl.String)


def _each(method: Callable[[pl.Series], pl.Series], kind: type[pl.DataType], value: Value) -> pl.Expr:
    return polars(value).map_batches(method, return_dtype=kind, is_elementwise=True)


def _community_id(*columns: Value) -> pl.Expr:
    parts = [_bare(column) for column in columns]
    return pl.struct(parts).map_batches(
        lambda flows: pl.Series(
            [None if None in flow.values() else flow_ids(*flow.values())[0] for flow in flows.to_list()],
            dtype=pl.String,
        ),
        return_dtype=pl.String,
        is_elementwise=True,
    )


OPERATIONS: dict[str, Callable[..., pl.Expr]] = {
    "column": _column,
    "constant": pl.lit,
    "add": _binary("add"),
    "subtract": _binary("sub"),
    "multiply": _binary("mul"),
    "divide": _binary("truediv"),
    "quotient": _binary("floordiv"),
    "remainder": _binary("mod"),
    "equal": _comparison("eq"),
    "unequal": _comparison("ne"),
    "less": _comparison("lt"),
    "less or equal": _comparison("le"),
    "greater": _comparison("gt"),
    "greater or equal": _comparison("ge"),
    "and": lambda *parts: pl.all_horizontal([polars(part) for part in parts]),
    "or": lambda *parts: pl.any_horizontal([polars(part) for part in parts]),
    "not": lambda part: ~polars(part),
    "is in": lambda value, constants: _bare(value).is_in(list(constants)),
    "between": lambda value, low, high: _bare(value).is_between(low, high),
    "has": lambda value, bits: _bare(value) & bits != 0,
    "bits": lambda value, mask: _bare(value) & mask,
    "joined bits": lambda left, right: _bare(left) | _bare(right),
    "bit count": lambda value: _bare(value).bitwise_count_ones(),
    "in spans": _in_spans,
    "known": lambda value: polars(value).is_not_null(),
    "or else": lambda value, other: polars(value).fill_null(polars(other)),
    "square root": _unary("sqrt"),
    "absolute": _unary("abs"),
    "number text": lambda value: polars(value).cast(pl.String),
    "latin text": lambda value: _each(_latin, pl.String, value),
    "title": lambda value: polars(value).str.to_titlecase(),
    "start of": lambda value, length: polars(value).str.slice(0, length),
    "number": lambda value: polars(value).cast(pl.Float64, strict=False),
    "character": lambda value, place: polars(value).str.slice(place, 1),
    "slice": lambda value, start, length: polars(value).bin.slice(start, length),
    "size": lambda value: polars(value).bin.size().cast(pl.Int64),
    "matches": lambda value, pattern: polars(value).str.contains(pattern),
    "label": _label,
    "least": lambda *values: _extreme(values, "le", pl.min_horizontal),
    "greatest": lambda *values: _extreme(values, "ge", pl.max_horizontal),
    "concatenated": lambda *texts: pl.concat_str([polars(text) for text in texts]),
    "word": _word,
    "case": _case,
    "ip text": lambda value, where: ip_column(_where(value, where)),
    "class network": lambda value, where: class_network_column(_where(value, where)),
    "ip within": _ip_within,
    "ip among": lambda value, networks: _each(networks.contains, pl.Boolean, value),
    "mac text": lambda value, where: mac_column(_where(value, where)),
    "mac is": _mac_is,
    "community id": _community_id,
    "hex text": lambda value: polars(value).bin.encode("hex"),
}
