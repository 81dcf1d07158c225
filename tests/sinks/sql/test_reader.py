from pathlib import Path

import polars as pl
import pytest

from clients.main import main
from sinks.sql import SqlSink
from sinks.sql.reader import read_flows
from tests.clients.inventories.flows import flow
from tests.topics.filter_texts import flows
from topics import filter as filters
from topics.errors import DatabaseError
from topics.frame import from_arrow, to_arrow

FLOWS = flows(200, seed=11)


def stored(address: str) -> str:
    sink = SqlSink(address)
    sink.write(FLOWS)
    sink.close()
    return address


def same(address: str) -> None:
    frame = pl.concat(read_flows(address)).sort("flow_id")
    expected = pl.DataFrame(to_arrow(FLOWS)).sort("flow_id")
    back = from_arrow(frame.to_arrow())
    for name in FLOWS.records.dtype.names or ():
        if not name.endswith("_offset"):
            assert (back.records[name] == from_arrow(expected.to_arrow()).records[name]).all(), name
    assert frame["labels"].to_list() == expected["labels"].to_list()
    assert frame["site"].cast(pl.String).to_list() == expected["site"].cast(pl.String).to_list()


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_flows_come_out_of_a_file_as_they_went_in(tmp_path: Path, kind: str) -> None:
    same(stored(str(tmp_path / f"flows.{kind}")))


def test_flows_come_out_of_postgresql_as_they_went_in(postgresql_database: str) -> None:
    same(stored(postgresql_database))


def test_flows_come_out_of_mariadb_as_they_went_in(mariadb_database: str) -> None:
    same(stored(mariadb_database))


def test_an_address_that_is_as_long_as_a_mac_is_none(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sink = SqlSink(str(tmp_path / "flows.duckdb"))
    sink.write(flow("2001:db8:20:1::22", "2001:db8::80"))
    sink.close()
    assert main(["ra", "-r", str(tmp_path / "flows.duckdb"), "-L", "-1", "-s", "saddr"]) == 0
    assert capfdbinary.readouterr().out.split() == [b"2001:db8:20:1::22"]


def test_a_database_is_asked_like_a_file(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    address = stored(str(tmp_path / "flows.duckdb"))
    text = "tcp and src pkts gt 4"
    condition = filters.compile(text)
    assert condition is not None
    expected = pl.DataFrame(to_arrow(FLOWS)).filter(condition).height
    assert main(["ra", "-r", address, "-L", "-1", "-s", "saddr", "-", text]) == 0
    assert len(capfdbinary.readouterr().out.splitlines()) == expected > 0
    assert main(["ra", "-r", address, "-t", "1700000001+1s", "-L", "-1", "-s", "saddr"]) == 0
    between = pl.DataFrame(to_arrow(FLOWS)).filter(
        (pl.min_horizontal("src_first", "dst_first").cast(pl.Int64) <= 1_700_000_002 * 10**9)
        & (pl.max_horizontal("src_last", "dst_last").cast(pl.Int64) >= 1_700_000_001 * 10**9)
    )
    assert len(capfdbinary.readouterr().out.splitlines()) == between.height > 0
    assert main(["racluster", "-r", address, "-m", "proto", "-L", "-1", "-s", "trans"]) == 0


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"nowhere\.duckdb: "):
        list(read_flows(str(tmp_path / "nowhere.duckdb")))
