"""Addresses for people: 16-byte columns as text, each distinct address written once (RFC 5952; MACs with colons)."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

IP_ETHERTYPES = (0x0800, 0x86DD, 0x0806)  # ARP names IPv4 addresses
IPV4_MAPPED = bytes(10) + b"\xff\xff"


def ip_text(address: bytes) -> str:
    """Return 16 bytes as IPv6, or as plain IPv4 where they are an IPv4-mapped address."""
    if address.startswith(IPV4_MAPPED):
        return inet_ntop(AF_INET, address[12:])
    return inet_ntop(AF_INET6, address)


def mac_text(address: bytes) -> str:
    """Return the last 6 bytes as a MAC address."""
    return address[-6:].hex(":")


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


def class_network_text(address: bytes) -> str:
    """Return the network of an IPv4 address by its class; an IPv6 address, which has none, as it is."""
    if not address.startswith(IPV4_MAPPED):
        return ip_text(address)
    octets = 1 if address[12] < 128 else 2 if address[12] < 192 else 3 if address[12] < 224 else 4
    return inet_ntop(AF_INET, address[12 : 12 + octets] + bytes(4 - octets))


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
    known = column.drop_nulls().unique()
    words = pl.Series("text", [text(value) for value in known.to_list()], pl.String)
    pairs = pl.DataFrame([known.alias("value"), words])
    return column.to_frame("value").join(pairs, on="value", how="left", maintain_order="left")["text"]
