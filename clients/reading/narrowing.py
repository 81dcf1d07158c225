"""Which rows of a Parquet file are worth reading for a filter that names hosts, by what the footer says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topics.filter.tree import Node

WORTH = 2  # reading only some rows is worth it when they are less than one in so many


def rows_with_hosts(name: str, tree: Node | None) -> list[tuple[int, int]] | None:
    """Return the ranges of rows that may be selected; None for all, also when the file does not say."""
    if tree is None:
        return None
    from topics.filter.hosts import may_select, names_hosts

    if not names_hosts(tree):
        return None
    import polars as pl

    from sinks.formats import hosts

    try:
        text = pl.read_parquet_metadata(name).get(hosts.METADATA_KEY)
        total = pl.scan_parquet(name, glob=False).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError):
        return None
    indexes = hosts.decoded(text, total) if text else None
    if indexes is None:
        return None
    ranges: list[tuple[int, int]] = []
    start = 0
    for index in indexes:
        if may_select(tree, index.may_hold):
            ranges.append((start, start + index.rows))
        start += index.rows
    return _joined(ranges) if sum(end - begin for begin, end in ranges) * WORTH < total else None


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Make one of ranges that follow each other."""
    joined: list[tuple[int, int]] = []
    for begin, end in ranges:
        if joined and joined[-1][1] == begin:
            begin = joined.pop()[0]  # noqa: PLW2901 - where the longer range begins
        joined.append((begin, end))
    return joined
