"""Flow records as people read them: addresses, times and causes as words. The columns of CSV and JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.address_columns import address_column, ip_column, mac_column
from topics.address_text import ip_text
from topics.histograms import ACTIVE, IDLE, SIZES, counts_of
from topics.schema import flow_fields

if TYPE_CHECKING:
    from topics.schema import Field

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.9fZ"
ADDRESS = 16


def readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame of flow records with text in place of bytes and categories; columns and their order stay.

    Addresses become IP text (MAC text in flows that are not IP), MACs text, flow ids and payloads hex, histograms their
    counts with blanks between, times ISO 8601 in UTC with nanoseconds. What is absent is null: a time without packets,
    a router or tunnel there was not, histograms that were not asked for.
    """
    names = [name for field in flow_fields() for name in _columns(field)]
    fields = {field.name: field for field in flow_fields()}
    return frame.select(_expression(name, fields.get(name)).alias(name) for name in names)


def _columns(field: Field) -> tuple[str, ...]:
    return ("site", "probe", "interface") if field.name == "observer" else (field.name,)


def _expression(name: str, field: Field | None) -> pl.Expr:
    column = pl.col(name)
    if field is None or field.kind == "enum":
        return column.cast(pl.String)
    if name in ("src_address", "dst_address"):
        return address_column(column, pl.col("ethertype"))
    if name == "icmp_error_router":
        return ip_column(pl.when(column != bytes(ADDRESS)).then(column))
    if name.endswith("_mac"):
        return mac_column(column)
    if name == "tunnel_addresses":
        return column.map_batches(_tunnels, return_dtype=pl.String, is_elementwise=True)
    if name.endswith("_histograms"):
        return column.map_batches(_histograms, return_dtype=pl.String, is_elementwise=True)
    if field.kind in ("fixed", "bytes"):
        return column.bin.encode("hex")
    if field.unit.startswith("ns since"):
        return column.dt.strftime(TIME_FORMAT)
    return column


def _histograms(column: pl.Series) -> pl.Series:
    return pl.Series([_histogram(value) for value in column.to_list()], dtype=pl.String)


def _histogram(vector: bytes) -> str | None:
    counts = (count for first in (SIZES, ACTIVE, IDLE) for count in counts_of(vector, first))
    return " ".join(map(str, counts)) or None


def _tunnels(column: pl.Series) -> pl.Series:
    return pl.Series([_tunnel(value) for value in column.to_list()], dtype=pl.String)


def _tunnel(addresses: bytes) -> str | None:
    ends = [addresses[start : start + ADDRESS] for start in range(0, len(addresses), ADDRESS)]
    return " ".join(ip_text(end) if len(end) == ADDRESS else end.hex() for end in ends) or None
