"""Domains of names that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def domain_of(name: pl.Expr) -> pl.Expr:
    """Return the last two labels of a name: whose it is, as far as can be told without a list of public suffixes."""
    return name.str.to_lowercase().str.strip_chars_end(".").str.extract(r"([^.]+\.[^.]+)$").fill_null(name)
