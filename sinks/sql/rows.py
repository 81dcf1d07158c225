"""Flow records as rows of the table `flows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from sinks.sql.table import ADDRESSES, KEY, column_names
from topics.address_text import ip_column, is_ip, mac_column
from topics.frame import TIME_UNIT, to_arrow
from topics.schema import flow_fields

if TYPE_CHECKING:
    from topics.batch import FlowBatch
    from topics.schema import Field

NOWHERE = bytes(16)


def rows(batch: FlowBatch) -> pl.DataFrame:
    """Return the records as a frame with the columns of the table, in order.

    Addresses and flow ids are text, timestamps in microseconds, payloads bytes, absent values null.
    """
    frame = pl.DataFrame(to_arrow(batch)).with_columns(observer=pl.Series(batch.records["observer"]))
    expressions = dict(_people()) | {field.name: _expression(field) for field in flow_fields()}
    return frame.select(expressions[name].alias(name) for name in column_names())


def last_of_each_key(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that no later one of the same flow id and status sequence replaces, in order."""
    if frame.select(pl.struct(KEY).n_unique()).item() == len(frame):
        return frame
    return frame.unique(list(KEY), keep="last", maintain_order=True)


def _people() -> dict[str, pl.Expr]:
    start, end = pl.min_horizontal("src_first", "dst_first"), pl.max_horizontal("src_last", "dst_last")
    layer_2 = ~is_ip(pl.col("ethertype"))
    return {
        "stime": start.dt.cast_time_unit("us"),
        "ltime": end.dt.cast_time_unit("us"),
        "duration": (end - start).dt.total_nanoseconds() / 1e9,
        "packets": pl.col("src_packets") + pl.col("dst_packets"),
        "bytes": pl.col("src_bytes") + pl.col("dst_bytes"),
        **{name: pl.col(name).cast(pl.String) for name in ("site", "probe", "interface")},
        "src_link_address": mac_column(pl.when(layer_2).then("src_address")),
        "dst_link_address": mac_column(pl.when(layer_2).then("dst_address")),
    }


def _expression(field: Field) -> pl.Expr:
    column = pl.col(field.name)
    if field.name == "icmp_error_router":
        return ip_column(pl.when(column != NOWHERE).then(column))
    if field.name in ADDRESSES:
        return ip_column(pl.when(is_ip(pl.col("ethertype"))).then(column))
    if field.name == "flow_id":
        return column.bin.encode("hex")
    if field.kind == "fixed":
        return mac_column(column)
    if field.kind == "enum":
        return column.cast(pl.String)
    if field.kind == "bytes":
        return pl.when(column.bin.size() > 0).then(column)
    if field.kind == "string":
        return pl.when(column != "").then(column)
    return column.cast(pl.Int64) if field.unit == TIME_UNIT else column
