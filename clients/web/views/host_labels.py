"""What labels said of a host in the course of time: where it was attached, who used it, whose network it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.web.columns.making import BETWEEN, SAID
from clients.web.columns.prepared import TOLD, TOLD_OF
from clients.web.traffic.series import SECOND
from clients.web.views.host_sides import code_of, taken

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows

MOST = 50  # rows of a kind
# What belongs together, as labels without the letter of the side.
KINDS = {
    "attached": ("switch", "swport", "station"),
    "used_by": ("process", "owner", "container", "pod"),
    "networks": ("as", "asorg", "co"),
}
NAMES = {"swport": "port", "owner": "user", "co": "country", "asorg": "organization"}


def labels_of(engine: Engine, about: Question, asked: Asked, key: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each of KINDS with `first`, `last` (s) and `flows`, newest first."""

    def of_file(rows: Rows) -> pl.DataFrame:
        file, mine = rows.file, code_of(engine, rows.file, key)
        places = np.flatnonzero(rows.mask) if len(rows.mask) else np.arange(file.rows)
        return pl.concat(
            _end(engine, rows, places, mine, *names) for names in zip(("saddr", "daddr"), TOLD_OF, strict=True)
        )

    parts = engine.together(about, asked, of_file)
    whole = _in_words(engine, pl.concat(parts)) if parts else None
    return {kind: _told(whole, names) if whole is not None else [] for kind, names in KINDS.items()}


def _end(engine: Engine, rows: Rows, places: Any, mine: int, end: str, told: str) -> pl.DataFrame:  # noqa: ANN401 - rows of arrays
    """Return when each number of TOLD was said of the host at one end, and of how many flows."""
    file = rows.file
    places = places[taken(file.column(end), places) == mine]
    said = engine.columns.everywhere(file, TOLD)[taken(file.column(told), places)]
    times = {"first": file.columns["start"][places], "last": file.columns["last_seen"][places]}
    frame = pl.DataFrame({"told": said.astype(np.int64), **times}).filter(pl.col("told") > 0)
    return frame.group_by("told").agg(
        pl.col("first").min(), pl.col("last").max(), pl.len().cast(pl.Int64).alias("flows")
    )


def _in_words(engine: Engine, numbered: pl.DataFrame) -> pl.DataFrame:
    words = engine.columns.of_domain(TOLD).words
    said = [words[number].split(BETWEEN) for number in numbered["told"].to_list()]
    return numbered.with_columns(
        pl.Series(name, [each[place] for each in said], pl.String) for place, name in enumerate(SAID)
    )


def _told(whole: pl.DataFrame, names: tuple[str, ...]) -> list[dict[str, Any]]:
    sums = pl.col("first").min(), pl.col("last").max(), pl.col("flows").sum()
    made = whole.filter(pl.any_horizontal(pl.col(names) != "")).group_by(names).agg(*sums)
    rows = made.sort("last", *names, descending=[True, *[False] * len(names)]).head(MOST).iter_rows(named=True)
    return [
        {NAMES.get(name, name): row[name] or None for name in names}
        | {"first": row["first"] / SECOND, "last": row["last"] / SECOND, "flows": row["flows"]}
        for row in rows
    ]
