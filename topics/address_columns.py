"""Columns of addresses as text for people, each distinct address written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.address_text import IP_ETHERTYPES, class_network_text, ip_text, mac_text

if TYPE_CHECKING:
    from collections.abc import Callable


def is_ip(ethertype: pl.Expr) -> pl.Expr:
    """Tell which flows have IP addresses; the others carry MACs in the last 6 bytes of the address fields."""
    return ethertype.is_in(IP_ETHERTYPES)


def ip_column(address: pl.Expr) -> pl.Expr:
    """Return a binary column of 16 bytes as IP text."""
    return address.map_batches(
        lambda column: _each_distinct(column, ip_text), return_dtype=pl.String, is_elementwise=True
    )


def mac_column(address: pl.Expr) -> pl.Expr:
    """Return a binary column, of 6 bytes or of 16 that end with a MAC, as MAC text."""
    return address.map_batches(
        lambda column: _each_distinct(column, mac_text), return_dtype=pl.String, is_elementwise=True
    )


def class_network_column(address: pl.Expr) -> pl.Expr:
    """Return a binary column of 16 bytes as the text of class networks."""
    return address.map_batches(
        lambda column: _each_distinct(column, class_network_text), return_dtype=pl.String, is_elementwise=True
    )


def address_column(address: pl.Expr, ethertype: pl.Expr) -> pl.Expr:
    """Return a binary column of 16 bytes as IP text, as MAC text in flows that are not IP."""
    ip = is_ip(ethertype)
    mac = pl.when(~ip).then(address)
    return pl.coalesce(mac_column(mac), ip_column(pl.when(ip).then(address)))


def _each_distinct(column: pl.Series, text: Callable[[bytes], str]) -> pl.Series:
    if column.null_count() == len(column):
        return pl.Series("text", [None], pl.String).new_from_index(0, len(column))
    known = column.drop_nulls().unique()
    words = pl.Series("text", [text(value) for value in known.to_list()], pl.String)
    pairs = pl.DataFrame([known.alias("value"), words])
    return column.to_frame("value").join(pairs, on="value", how="left", maintain_order="left")["text"]
