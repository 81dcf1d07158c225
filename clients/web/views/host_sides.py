"""What a host did and what was done to it: sums by service, other end, and which end began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.web.columns.prepared import VAIN

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows
    from clients.web.columns.prepared import Prepared

SUMMED = {"spkts": "src_packets", "dpkts": "dst_packets", "sbytes": "src_bytes", "dbytes": "dst_bytes"}
BY = ("began", "other", "service")
TRIED = (*BY, "vain")


def sides_of(engine: Engine, about: Question, asked: Asked, key: str) -> pl.DataFrame:
    """Return sums by service, other end, which end began, and whether in vain (columns/in_vain.py).

    All numbers are those of the vocabularies.
    """

    def of_file(rows: Rows) -> pl.DataFrame:
        file = rows.file
        mine = code_of(engine, file, key)
        places = np.flatnonzero(rows.mask) if len(rows.mask) else np.arange(file.rows)
        ends = [taken(file.column(name), places) for name in ("saddr", "daddr", "service")]
        counted = {name: file.columns[column][places] for name, column in SUMMED.items()}
        frame = pl.DataFrame(
            {
                "began": ends[0] == mine,
                "other": np.where(ends[0] == mine, ends[1], ends[0]),
                "service": ends[2],
                "vain": file.columns[VAIN][places] > 0,
                **counted,
                "stime": file.columns["start"][places],
                "ltime": file.columns["last_seen"][places],
            }
        )
        made = summed(frame.with_columns(pl.lit(1, pl.Int64).alias("flows")), TRIED)
        addresses, services = (pl.Series(engine.columns.coded(file, by).everywhere) for by in ("addr", "service"))
        return made.with_columns(
            addresses.gather(made["other"]).alias("other"), services.gather(made["service"]).alias("service")
        )

    parts = [part for part in engine.together(about, asked, of_file) if part.height]
    return parts[0] if len(parts) == 1 else summed(pl.concat(parts), TRIED) if parts else pl.DataFrame()


def code_of(engine: Engine, file: Prepared, key: str) -> int:
    """Return the code that an address has in a piece, -1 when it is not there."""
    number = engine.columns.vocabulary("addr").code(key)
    found = np.flatnonzero(engine.columns.everywhere(file, "address") == number)
    return int(found[0]) if number is not None and len(found) else -1


def taken(column: Any, places: Any) -> Any:  # noqa: ANN401 - arrays
    """Return some rows of a column, which has one value where that is the same in all."""
    return column[places] if len(column) > 1 else np.repeat(column, len(places))


def summed(frame: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """Return sums of sides_of added up by some of TRIED, with how many `others` there were."""
    return frame.group_by(by).agg(
        pl.col("flows").sum(),
        *(pl.col(name).cast(pl.Int64).sum() for name in SUMMED),
        pl.col("stime").min(),
        pl.col("ltime").max(),
        pl.col("other").n_unique().cast(pl.Int64).alias("others") if "other" not in by else pl.lit(1).alias("others"),
    )
