"""What a table holds: every field of the record, or chosen fields, perhaps with the whole record beside them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from sinks.sql.rows import mac_or_none, span, whole_expression
from topics.errors import UsageError
from topics.expression.polars import polars
from topics.fields import field
from topics.fields.columns import is_ip
from topics.frame import ARROW_SCHEMA, TIME_UNIT
from topics.schema import flow_fields, flow_record_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from topics.fields import Field
    from topics.schema import Field as SchemaField

Kind = Literal["id", "small", "integer", "big", "double", "time", "text", "address", "mac", "bytes"]
NAME = "flows"
KEY = ("flow_id", "status_sequence")
ROW_KEY, RECORD = "row_key", "record"
ADDRESSES = ("src_address", "dst_address", "icmp_error_router")
LINK_ADDRESSES = ("src_link_address", "dst_link_address")
WHOLE_NUMBERS = ("int", "long")
NUMBERS: dict[str, Kind] = {"u1": "small", "u2": "integer", "u4": "big", "i8": "big", "f8": "double"}
ADDRESS_FIELDS = {"saddr": "src_address", "daddr": "dst_address"}
MAC_FIELDS = ("smac", "dmac")
FRAME = pl.Schema(pl.DataFrame(ARROW_SCHEMA.empty_table()).schema)


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """One column: its name, what it holds, how a frame of records (topics/frame.py) gives it, and its default.

    Values come as 16 bytes (id, address), integers, floats, timestamps of microseconds (time), text (also MACs) or
    bytes.
    """

    name: str
    kind: Kind
    value: pl.Expr
    default: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """The columns of a table in order, and those that make a row unique, none where rows may repeat.

    `merge_by` names the fields whose values are the key (`row_key` is a hash of them).
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...] = KEY
    merge_by: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of all columns in order."""
        return [column.name for column in self.columns]

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each column holds."""
        return {column.name: column.kind for column in self.columns}

    @property
    def has_record(self) -> bool:
        """Whether the whole record is kept in a column of its own."""
        return RECORD in self.names

    @property
    def is_whole(self) -> bool:
        """Whether each field of the record has a column."""
        return self is whole()


@functools.cache
def whole() -> Layout:
    """Return the layout with one column a field of FlowRecord, and what people ask for first.

    Numbers are exact and signed, since SQL sums and subtracts them. Times of the record (`src_first`, ...) are
    integers of nanoseconds, which no timestamp of a database can hold; `stime` and `ltime` repeat the span of the flow
    as timestamps. Absent values are NULL: a time without packets, a payload that was not kept, a router that was not
    heard. Flows that are not IP have MAC addresses in `src_link_address` and `dst_link_address`, NULL in the others.
    """
    fields = [each for each in flow_fields() if each.name not in KEY]
    defaults = {each.name: _zero(each) for each in fields} | {
        spec["name"]: spec["default"] for spec in flow_record_json()["fields"] if "default" in spec
    }
    columns = (
        *_identity(),
        *_asked_first(),
        *(Column(each.name, _kind(each), whole_expression(each), defaults[each.name]) for each in fields),
        *(Column(f"{side}_link_address", "mac", mac_or_none(f"{side}_address")) for side in ("src", "dst")),
    )
    return Layout(columns)


def _identity() -> list[Column]:
    return [Column("flow_id", "id", pl.col("flow_id")), Column("status_sequence", "big", pl.col("status_sequence"))]


def _asked_first() -> list[Column]:
    start, end = span()
    return [
        *_span_columns(),
        Column("duration", "double", (end - start).dt.total_nanoseconds() / 1e9),
        Column("packets", "big", pl.col("src_packets") + pl.col("dst_packets")),
        Column("bytes", "big", pl.col("src_bytes") + pl.col("dst_bytes")),
        *(Column(name, "text", pl.col(name).cast(pl.String)) for name in ("site", "probe", "interface")),
    ]


def _span_columns() -> list[Column]:
    start, end = span()
    return [
        Column("stime", "time", start.dt.cast_time_unit("us")),
        Column("ltime", "time", end.dt.cast_time_unit("us")),
    ]


def _zero(each: SchemaField) -> int | None:
    """Return what a number is of a flow that has nothing to say about it; a time is then absent."""
    return 0 if each.kind in WHOLE_NUMBERS and each.unit != TIME_UNIT else None


def _kind(each: SchemaField) -> Kind:
    if each.name in ADDRESSES:
        return "address"
    if each.kind == "fixed":
        return "mac"
    if each.kind in ("enum", "string"):
        return "text"
    return "bytes" if each.kind == "bytes" else NUMBERS[each.store]


def chosen(names: Sequence[str], keys: Iterable[str] = (), *, record: bool = False) -> Layout:
    """Return the layout with fields by their names in `ra -s` as columns; `record` keeps the whole record too.

    Without `keys` a row is a record, made unique by flow id and status sequence, which are columns then; `none` lets
    rows repeat; other words, as after `-m` of racluster, make one row for each of their values. There is `stime` and
    `ltime` in each table. Raises UsageError for a field that is not known, or never has a value.
    """
    keys = tuple(part for word in keys for part in word.replace(",", " ").split())
    if "none" in keys and len(keys) > 1:
        raise UsageError("option -m: none stands alone")
    columns = {column.name: column for column in _identity()} if not keys else {}
    if keys and keys != ("none",):
        columns[ROW_KEY] = Column(ROW_KEY, "id", pl.lit(None, pl.Binary))
    columns |= {column.name: column for column in _span_columns()}
    columns |= {name: _of_field(field(name)) for name in names if name not in columns}
    if record:
        columns[RECORD] = Column(RECORD, "bytes", pl.lit(None, pl.Binary))
    key = KEY if not keys else () if keys == ("none",) else (ROW_KEY,)
    return Layout(tuple(columns.values()), key, () if keys == ("none",) else keys)


def repeating() -> Layout:
    """Return the layout of whole records whose rows may repeat."""
    return Layout(whole().columns, ())


def _of_field(chosen_field: Field) -> Column:
    name, value = chosen_field.name, chosen_field.value()
    if name in ADDRESS_FIELDS:
        address = ADDRESS_FIELDS[name]
        return Column(name, "address", pl.when(polars(is_ip())).then(pl.col(address)))
    if name in MAC_FIELDS:
        return Column(name, "mac", value)
    if not set(value.meta.root_names()) <= set(FRAME):
        raise UsageError(f"field '{name}' is none of a single record: it cannot be a column")
    kind = pl.LazyFrame(schema=FRAME).select(value.alias(name)).collect().schema[name]
    return _typed(chosen_field, value, kind)


def _typed(chosen_field: Field, value: pl.Expr, kind: pl.DataType) -> Column:
    name, form = chosen_field.name, chosen_field.format
    if kind == pl.Null:
        raise UsageError(f"field '{name}' never has a value: it cannot be a column")
    if form.holds == "time":
        return Column(name, "time", (value // 1000).cast(pl.Datetime("us", "UTC")))
    if form.scale != 1:
        return Column(name, "double", value / form.scale)
    if kind.is_float():
        return Column(name, "double", pl.when(value.is_finite()).then(value))
    if kind.is_integer():
        return Column(name, "big", value.cast(pl.Int64))
    if kind == pl.Binary:
        return Column(name, "bytes", value)
    return Column(name, "text", value.cast(pl.String))


def indexed(layout: Layout) -> list[tuple[str, ...]]:
    """Return what a table of this layout is searched by besides its key: times, and either address with time."""
    kinds = layout.kinds
    addresses = [name for name in ("src_address", "dst_address", *ADDRESS_FIELDS) if kinds.get(name) == "address"]
    return [("stime",), ("ltime",), *((name, "stime") for name in addresses)]
