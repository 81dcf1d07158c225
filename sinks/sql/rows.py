"""Flow records as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.address_columns import ip_column, is_ip, mac_column
from topics.frame import TIME_UNIT, to_arrow

if TYPE_CHECKING:
    from sinks.sql.layout import Layout
    from topics.batch import FlowBatch
    from topics.schema import Field

NOWHERE = bytes(16)


def rows(batch: FlowBatch, layout: Layout) -> pl.DataFrame:
    """Return the records as a frame with the columns of a layout, in order.

    Ids and addresses are 16 bytes (IPv4 mapped), MACs text, timestamps in microseconds, payloads bytes, absent values
    null.
    """
    frame = pl.DataFrame(to_arrow(batch)).with_columns(observer=pl.Series(batch.records["observer"]))
    found = frame.select(column.value.alias(column.name) for column in layout.columns)
    if not layout.has_record:
        return found
    from sinks.sql.records import encoded  # loads the kernels of the codec

    return found.with_columns(pl.Series("record", encoded(batch), dtype=pl.Binary))


def last_of_each_key(frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows that no later one of the same key replaces, in order; all where there is no key."""
    if not key or frame.select(pl.struct(key).n_unique()).item() == len(frame):
        return frame
    return frame.unique(list(key), keep="last", maintain_order=True)


def span() -> tuple[pl.Expr, pl.Expr]:
    """Return when the first and the last packet of either direction came."""
    return pl.min_horizontal("src_first", "dst_first"), pl.max_horizontal("src_last", "dst_last")


def in_words(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Return rows with addresses as text, for databases that have no type for them."""
    return rows.with_columns(ip_column(pl.col(name)) for name, kind in layout.kinds.items() if kind == "address")


def mac_or_none(name: str) -> pl.Expr:
    """Return the MAC addresses of a column, null where the record has IP addresses."""
    return mac_column(pl.when(~is_ip(pl.col("ethertype"))).then(name))


def whole_expression(field: Field) -> pl.Expr:
    """Return a field of the record as its column has it."""
    column = pl.col(field.name)
    if field.name == "icmp_error_router":
        return pl.when(column != NOWHERE).then(column)
    if field.name in ("src_address", "dst_address"):
        return pl.when(is_ip(pl.col("ethertype"))).then(column)
    if field.kind == "fixed":
        return mac_column(column)
    if field.kind == "enum":
        return column.cast(pl.String)
    if field.kind == "bytes":
        return pl.when(column.bin.size() > 0).then(column)
    if field.kind == "string":
        return pl.when(column != "").then(column)
    return column.cast(pl.Int64) if field.unit == TIME_UNIT else column
