"""What labels said of a host in the course of time: where it was attached, who used it, whose network it is in."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import polars as pl

from clients.narrowing import rows_with_hosts
from clients.web.traffic.series import SECOND
from topics.expression import col
from topics.expression.polars import polars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine

MOST = 50  # rows of a kind
MOST_FILES = 32  # the newest, that are looked into
MAPPED = bytes(10) + b"\xff\xff"
# What belongs together, as labels without the letter of the side.
KINDS = {
    "attached": ("switch", "swport", "station"),
    "used_by": ("process", "owner", "container", "pod"),
    "networks": ("as", "asorg", "co"),
}
NAMES = {"swport": "port", "owner": "user", "co": "country", "asorg": "organization"}


def labels_of(engine: Engine, about: Question, asked: Asked, key: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each of KINDS with `first`, `last` (s) and `flows`, newest first; nothing of a MAC address."""
    parts = list(_parts(engine, about, asked, key))
    whole = pl.concat(parts) if parts else None
    return {kind: _told(whole, names) if whole is not None else [] for kind, names in KINDS.items()}


def _parts(engine: Engine, about: Question, asked: Asked, key: str) -> Iterator[pl.DataFrame]:
    """Yield what labels say in each file, each different word once."""
    from sinks.formats.scan import reading, scan

    packed = _packed(key)
    if packed is None:
        return
    names = [name for kind in KINDS.values() for name in kind]
    for segment in list(reversed(engine.segments(about)))[:MOST_FILES]:
        asked.check()
        with reading([segment.path]):
            ranges = rows_with_hosts(segment.path, about.tree()) or [(0, segment.rows)]
            for begin, end in ranges:
                rows = scan([segment.path]).slice(begin, end - begin)
                sides = [_side(rows, side, packed, about, names) for side in ("src", "dst")]
                yield pl.concat(sides).group_by(names).agg(*_sums()).collect()


def _side(rows: pl.LazyFrame, side: str, packed: bytes, about: Question, names: list[str]) -> pl.LazyFrame:
    first, last = (
        horizontal(f"src_{end}", f"dst_{end}").cast(pl.Int64)
        for horizontal, end in ((pl.min_horizontal, "first"), (pl.max_horizontal, "last"))
    )
    mine = (pl.col(f"{side}_address") == pl.lit(packed)) & (pl.col("labels").str.len_bytes() > 0)
    inside = (first <= about.end) & (last >= about.first)
    said = [polars(col("labels").label(f"{side[0]}{name}")).fill_null("").alias(name) for name in names]
    return rows.filter(mine & inside).select(*said, first.alias("first"), last.alias("last"), flows=pl.lit(1, pl.Int64))


def _sums() -> tuple[pl.Expr, ...]:
    return pl.col("first").min(), pl.col("last").max(), pl.col("flows").sum()


def _told(whole: pl.DataFrame, names: tuple[str, ...]) -> list[dict[str, Any]]:
    made = whole.filter(pl.any_horizontal(pl.col(names) != "")).group_by(names).agg(*_sums())
    rows = made.sort("last", *names, descending=[True, *[False] * len(names)]).head(MOST).iter_rows(named=True)
    return [
        {NAMES.get(name, name): row[name] or None for name in names}
        | {"first": row["first"] / SECOND, "last": row["last"] / SECOND, "flows": row["flows"]}
        for row in rows
    ]


def _packed(key: str) -> bytes | None:
    try:
        packed = ip_address(key).packed
    except ValueError:
        return None
    return packed if len(packed) == 16 else MAPPED + packed
