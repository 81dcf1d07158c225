"""A database is read hour by hour: what is asked for first, and again only what changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from starlette.testclient import TestClient

from clients.main import main
from clients.web.columns import awaited, imported
from clients.web.columns.archive import Archive
from clients.web.columns.awaited import LOOK, Awaited
from clients.web.serving.app import application
from clients.web.setup import Setup
from clients.web.site import Site
from sinks.sql import SqlSink
from tests.clients.flows import SECOND, START
from tests.clients.inventories.flows import flow
from tests.clients.web.server.conftest import wait_until_prepared

if TYPE_CHECKING:
    from pathlib import Path

    from topics.batch import FlowBatch

HOUR = 3600


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def store(address: str, *batches: FlowBatch) -> str:
    sink = SqlSink(address)
    for batch in batches:
        sink.write(batch)
    sink.close()
    return address


def three_hours(address: str) -> str:
    """Store flows of three hours; the last second of each hour but the last has one that ends in the next."""
    ends = [HOUR - START // SECOND % HOUR - 0.5 + HOUR * number for number in range(2)]
    times = enumerate((0, *ends, 2.2 * HOUR))
    return store(address, *(flow("10.0.0.1", "10.0.0.2", at=at, status_sequence=number) for number, at in times))


def begun(paths: list[str]) -> list[list[int]]:
    """Return how many seconds after START the flows of each file began."""
    return [
        sorted(((pl.read_parquet(path)["flow_start"].cast(pl.Int64) - START) // SECOND).to_list()) for path in paths
    ]


@pytest.fixture(params=["postgresql", "duckdb", "sqlite", "mariadb"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    kind: str = request.param
    servers = {"postgresql": "postgresql_database", "mariadb": "mariadb_database"}
    return request.getfixturevalue(servers[kind]) if kind in servers else str(tmp_path / f"flows.{kind}")


def test_hours_are_read_by_themselves_the_newest_and_those_asked_for_first(address: str, tmp_path: Path) -> None:
    waiting = Awaited(tmp_path, Clock())
    assert waiting.look(three_hours(address)) == ([], [])
    hours = waiting.hours()
    assert sum(hour.rows for hour in hours) == 4
    waiting.ask(hours[0].first, hours[0].end)
    order = []
    while waiting.read_next() is not None:
        order.append(waiting.look(address)[0])
    assert [len(paths) for paths in order] == [1, 2, len(hours)]
    assert order[0] == order[1][:1]  # the hour that was asked for, then the newest
    assert order[1][1] == order[2][-1]
    assert [time for file in begun(order[-1]) for time in file] == sorted(
        time for file in begun(order[-1]) for time in file
    )
    assert sum(map(len, begun(order[-1]))) == 4


def test_a_flow_of_a_database_is_explained_with_its_records_of_other_hours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turn = HOUR - START // SECOND % HOUR
    batches = [
        flow("10.0.0.1", "10.0.0.2", at=turn + at, status_sequence=number) for number, at in enumerate((-60, 60))
    ]
    later = flow("10.0.0.3", "10.0.0.4", at=turn + 5 * HOUR)
    later.records["flow_id"] = 1
    address = store(str(tmp_path / "flows.duckdb"), *batches, later)
    name = batches[0].records["flow_id"][0].tobytes().hex()
    assert main(["explain", name, "-r", address, "-M", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [record["sequence"] for record in told["records"]] == [0, 1]
    assert told["merged_from"]["kept"] == [{"file": address, "rows": [], "offsets": {}}]
    assert main(["explain", "f" * 32, "-r", address]) == 1


def test_an_hour_that_changed_is_read_again_and_shown_as_it_was_until_then(tmp_path: Path) -> None:
    clock, database = Clock(), three_hours(str(tmp_path / "flows.sqlite"))
    waiting = Awaited(tmp_path, clock)
    waiting.look(database)
    while waiting.read_next() is not None:
        pass
    before = waiting.look(database)[0]
    store(database, flow("10.0.0.3", "10.0.0.2", at=2.2 * HOUR + 5, status_sequence=9))
    assert waiting.look(database)[0] == before
    clock.time += LOOK
    assert waiting.look(database)[0] == before
    assert waiting.hours() == []  # nothing is missing, though there is something new
    assert waiting.read_next() == ""
    assert waiting.read_next() is None
    after = waiting.look(database)[0]
    assert (after[:-1], after[-1] == before[-1]) == (before[:-1], False)
    assert sum(map(len, begun(after))) == 5
    clock.time += LOOK
    waiting.look(database)
    assert [name for name in before if name not in after and (tmp_path / name).exists()] == []


def test_of_too_many_flows_the_newest_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaited, "MOST_ROWS", 2)
    database = three_hours(str(tmp_path / "flows.duckdb"))
    archive = Archive((), (database,), tmp_path)
    archive.refresh()
    while archive.awaited.read_next() is not None:
        archive.refresh()
    assert archive.rows == 2
    assert "only the newest 2 flows" in archive.problems[0]


def test_a_database_that_takes_too_long_is_a_problem_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql_database: str
) -> None:
    monkeypatch.setattr(imported, "HOURS", "SELECT 1, count(*), min(stime), max(ltime), pg_sleep(60) FROM {table}")
    monkeypatch.setattr(imported, "STATEMENT_SECONDS", 0.2)
    archive = Archive((), (three_hours(postgresql_database),), tmp_path)
    archive.refresh()
    assert archive.segments == ()
    assert "statement timeout" in archive.problems[0]


def test_a_page_on_a_server_shows_all_of_its_flows(tmp_path: Path, postgresql_database: str) -> None:
    database = three_hours(postgresql_database)
    setup = Setup(cache=tmp_path / "cache", state=tmp_path / "state", files=(database,), seconds=60.0)
    with TestClient(application(Site(setup)), base_url="http://localhost") as client:
        wait_until_prepared(client)
        found = client.get("/api/overview").json()
        assert (found["totals"]["flows"], found["prepared"]) == (4, 1)
        row = client.get("/api/flows", params={"q": "host 10.0.0.1", "limit": 1}).json()["rows"][0]
        assert client.get(f"/api/flow/{row['id']}", params={"at": row["at"]}).status_code == 200
