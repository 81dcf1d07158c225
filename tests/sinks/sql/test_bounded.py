"""Who reads a database changes nothing in it, and gives up what takes longer than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinks.sql import SqlSink
from sinks.sql.reader import ask, read_flows
from tests.clients.inventories.flows import flow
from topics.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

SOON, LATER = 0.2, 60.0  # seconds
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n, {table}"
LONG = (
    "SELECT count(*) FROM {table}, range(1000000000) AS one, range(1000000000) AS other WHERE one.range <> other.range"
)


@pytest.fixture(params=["postgresql", "mariadb", "duckdb", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Return a kind of database, and the address of one with a flow."""
    kind: str = request.param
    servers = {"postgresql": "postgresql_database", "mariadb": "mariadb_database"}
    address = request.getfixturevalue(servers[kind]) if kind in servers else str(tmp_path / f"flows.{kind}")
    sink = SqlSink(address)
    sink.write(flow("10.0.0.1", "10.0.0.2"))
    sink.close()
    return kind, address


def test_a_statement_that_takes_too_long_is_given_up(database: tuple[str, str]) -> None:
    kind, address = database
    question = {
        "postgresql": "SELECT pg_sleep(60) FROM {table}",
        "mariadb": "SELECT sleep(60) FROM {table}",
        "duckdb": LONG,
        "sqlite": ENDLESS,
    }[kind]
    with pytest.raises(DatabaseError, match=r"(?i)timeout|interrupt|max_statement_time"):
        ask(address, question, SOON)
    assert ask(address, "SELECT count(*) FROM {table}", LATER) == [(1,)]
    assert sum(frame.height for frame in read_flows(address, seconds=LATER)) == 1


def test_nothing_is_written_by_who_reads(database: tuple[str, str]) -> None:
    kind, address = database
    question = "SELECT 1 FROM {table} FOR UPDATE" if kind == "postgresql" else "DELETE FROM {table}"
    with pytest.raises(DatabaseError, match=r"(?i)read.?only"):
        ask(address, question)
    assert ask(address, "SELECT count(*) FROM {table}") == [(1,)]
