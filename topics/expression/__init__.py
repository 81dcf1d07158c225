"""What can be computed from a flow record, said once: a tree that becomes a Polars expression or SQL.

Fields and filters are built of these values, so that a listing, a filter, a sort and a database mean the same.
"""

from __future__ import annotations

from topics.expression.value import (
    ALWAYS,
    NEVER,
    Literal,
    Value,
    all_of,
    any_of,
    col,
    community_id,
    concat,
    first_of,
    greatest,
    least,
    lit,
    lookup,
    total_of,
    when,
)

__all__ = [
    "ALWAYS",
    "NEVER",
    "Literal",
    "Value",
    "all_of",
    "any_of",
    "col",
    "community_id",
    "concat",
    "first_of",
    "greatest",
    "least",
    "lit",
    "lookup",
    "total_of",
    "when",
]
