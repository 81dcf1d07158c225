"""A filter as a condition, which holds for all where the filter says nothing."""

from __future__ import annotations

import polars as pl

from topics import filter as filters


def matching(text: str) -> pl.Expr:
    """Return what a filter selects; raises FilterError."""
    condition = filters.compile(text) if text else None
    return pl.lit(value=True) if condition is None else condition
