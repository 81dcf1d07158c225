"""Rows taken out of what lies packed together are those of the columns; tables made at once those made one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from clients.reading.sources import to_batch
from clients.web.asking.asked import Asked
from clients.web.asking.question import question
from clients.web.columns.archive import Archive
from clients.web.columns.engine import Engine
from clients.web.columns.prepared import ORDERS
from clients.web.traffic.sums import sums_by
from clients.web.traffic.tables import TABLES, add_up_tables_of
from sinks.formats.parquet import ParquetWriter
from sinks.formats.scan import scan

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("", "dco=DE:das=64496:dname=a.example", "sco=FR:dco=FR:sname=b.example:sprocess=nginx:sowner=www")


def engine_of(archive: Path, place: Path, *changed: pl.Expr) -> Engine:
    """Return an engine on the flows of an archive with some columns changed; labels repeat."""
    frame = scan([str(next(archive.rglob("flows*.parquet")))]).collect()
    labels = [LABELS[row % len(LABELS)] for row in range(frame.height)]
    data = place / "data"
    data.mkdir()
    writer = ParquetWriter(str(data / "flows.parquet"))
    writer.write(to_batch(frame.with_columns(pl.Series("labels", labels), *changed)))
    writer.close()
    found = Archive((str(data),), (), place)
    found.refresh()
    return Engine(found, place)


def test_rows_taken_out_are_those_of_the_columns(archive: Path, tmp_path: Path) -> None:
    engine = engine_of(archive, tmp_path)
    file = engine.opened(engine.archive.segments[0].pieces[0])
    assert file.packed is not None
    assert file.packed.says("dname")
    places = np.random.default_rng(1).permutation(file.rows)[: file.rows // 3]
    some = file.chosen(np.sort(places)).chosen(np.arange(0, len(places), 2))
    for name in set(file.columns) - set(ORDERS.values()):
        wanted = file.columns[name][np.sort(places)[::2]]
        assert np.array_equal(some.columns[name], wanted), name
        assert some.columns[name].dtype == wanted.dtype, name
    engine.close()


def test_what_is_too_large_to_be_packed_is_taken_of_the_columns(archive: Path, tmp_path: Path) -> None:
    engine = engine_of(archive, tmp_path, pl.lit(1 << 40, pl.Int64).alias("src_bytes"))
    file = engine.opened(engine.archive.segments[0].pieces[0])
    assert file.packed is None
    assert set(file.chosen(np.arange(3)).columns["src_bytes"]) == {1 << 40}
    engine.close()


@pytest.mark.parametrize(
    "said", [{}, {"q": "udp"}, {"q": "dst port 53"}, {"q": "dco = FR and tcp"}, {"q": "host 192.0.2.222"}]
)
def test_tables_made_at_once_are_those_made_one_by_one(archive: Path, tmp_path: Path, said: dict[str, str]) -> None:
    engine = engine_of(archive, tmp_path)
    about, asked = question(said, engine.archive.span()), Asked(60)
    single = {by: sums_by(engine, about, asked, by) for by in TABLES}
    assert all(engine.known_sums(about, by) is None for by in TABLES)
    add_up_tables_of(engine, about, asked)
    for by in TABLES:
        at_once = engine.known_sums(about, by)
        assert np.array_equal(at_once.sums, single[by].sums), by
        assert np.allclose(at_once.latencies, single[by].latencies), by
    engine.close()
