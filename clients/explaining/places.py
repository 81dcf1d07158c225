"""Where records are kept: in a file of an archive, or in what was read into one: another file, or a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from sinks.formats.parquet import read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator


def places(records: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the files or databases of records, with the rows in a file and what offsets of topics lie in it.

    `records` say the `file` and `row` they were found at. Rows of a database have no numbers.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, rows, offsets in _each(records):
        place = found.setdefault(name, {"file": name, "rows": [], "offsets": {}})
        place["rows"] += rows
        place["offsets"] |= offsets
    return list(found.values())


def _each(records: pl.DataFrame) -> Iterator[tuple[str, list[int], dict[str, list[int]]]]:
    kept = records.group_by("file", maintain_order=True).agg(pl.col("row").sort())
    for path, rows in kept.iter_rows():
        facts = read_facts(path)
        said = facts.get("read_from")
        origin = said if isinstance(said, dict) else {}
        if "database" in origin:
            yield str(origin["database"]), [], {}
        else:
            yield str(origin.get("file", path)), rows, _offsets(facts)


def _offsets(facts: dict[str, Any]) -> dict[str, list[int]]:
    """Return the first and last offset of each source in a file; anybody may have written its footer."""
    said = facts.get("offsets")
    spans = said if isinstance(said, dict) else {}
    return {source: span for source, span in spans.items() if isinstance(span, list) and len(span) == 2}
