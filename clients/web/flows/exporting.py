"""Flows as files to be kept: CSV, JSON lines, Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from clients.web.flows.rows import records, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from clients.web.asking.asked import Asked
    from clients.web.columns.engine import Engine
    from clients.web.flows.ordering import Place
    from topics.fields import Field

FORMATS = {"csv": "text/csv", "json": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
MICROSECOND = 1000
FORMULA = r"^[=+\-@\t\r\n]"
OWN_WORDS = {"dir"}  # arrows, which no host can choose


def export(places: list[Place], fields: Sequence[Field], path: Path, asked: Asked) -> None:
    """Write flows in their order; times are instants in UTC, durations seconds."""
    by_file: dict[str, list[tuple[int, int]]] = {}
    for number, place in enumerate(places):
        by_file.setdefault(place.file.name, []).append((place.row_of_file, number))
    needed = {column for known in fields for column in known.value().meta.root_names()}
    parts = []
    for name, wanted in by_file.items():
        asked.check()
        frame = records(name, [row for row, _ in wanted], needed)
        values = frame.select(_value(known).alias(known.name) for known in fields)
        parts.append(values.with_columns(pl.Series("order", [number for _, number in wanted], pl.Int64)))
    empty = pl.DataFrame(schema={known.name: pl.String for known in fields})
    write(pl.concat(parts).sort("order").drop("order") if parts else empty, path)


def _value(known: Field) -> pl.Expr:
    value = value_of(known)
    return (
        (known.value().cast(pl.Int64) // MICROSECOND).cast(pl.Datetime("us", "UTC"))
        if known.format.holds == "time"
        else value
    )


def export_groups(engine: Engine, found: pl.DataFrame, keys: list[str], names: list[str], path: Path) -> None:
    """Write groups with their keys and columns."""
    words = {
        key: pl.Series(engine.columns.vocabulary(key).words).gather(found[f"k{place}"]).alias(key)
        for place, key in enumerate(keys)
    }
    times = [
        (pl.col(name) // MICROSECOND).cast(pl.Datetime("us", "UTC")).alias(name)
        for name in names
        if name in {"stime", "ltime"}
    ]
    write(found.with_columns(*words.values(), *times).select(*keys, *names), path)


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame in the format that the name of the file ends with.

    CSV is opened in spreadsheets, and hosts choose their names: text that would begin a formula there has ' before it
    (OWASP, CSV injection). Programs are better served by the other formats, which hold what was seen.
    """
    if path.suffix == ".parquet":
        frame.write_parquet(path)
        return
    plain = frame.with_columns(
        pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ") for name, kind in frame.schema.items() if kind.is_temporal()
    )
    if path.suffix == ".csv":
        plain.with_columns(map(_defused, _texts(plain))).write_csv(path)
    else:
        plain.write_ndjson(path)


def _texts(frame: pl.DataFrame) -> list[str]:
    return [name for name, kind in frame.schema.items() if kind == pl.String and name not in OWN_WORDS]


def _defused(name: str) -> pl.Expr:
    begins = pl.col(name).str.contains(FORMULA)
    return pl.when(begins).then(pl.lit("'") + pl.col(name)).otherwise(name).alias(name)
