"""One filter, four places: an expression over columns, a mask over a batch, and the databases select the same flows."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import duckdb
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy.engine import make_url

from sinks.sql import SqlSink
from sinks.sql.asking import opened
from sinks.sql.mysql import connect
from tests.topics.filter_texts import filters, flows
from topics import filter as language
from topics.errors import FilterError
from topics.expression.sql_sqlite import add_functions
from topics.frame import to_arrow

FLOWS = flows(400, seed=7)
IDS = [f"{row:032x}" for row in range(len(FLOWS))]
FRAME = pl.DataFrame(to_arrow(FLOWS)).with_columns(id=pl.Series(IDS))
Ask = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def in_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    path = tmp_path_factory.mktemp("duckdb") / "flows.duckdb"
    _stored(str(path))
    with duckdb.connect(str(path), read_only=True) as database:

        def ask(text: str) -> set[str]:
            condition = language.condition(text)
            assert condition is not None
            where, parameters = language.sql(condition, "duckdb")
            rows = database.execute(f"SELECT flow_id FROM flows WHERE {where}", parameters).fetchall()
            return {row[0].hex for row in rows}

        yield ask


@pytest.fixture(scope="module")
def in_postgresql(postgresql_url: str) -> Iterator[Ask]:
    name = "test_filters"
    with psycopg.connect(postgresql_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
    address = postgresql_url.rsplit("/", 1)[0] + f"/{name}"
    _stored(address)
    with psycopg.connect(address) as database:

        def ask(text: str) -> set[str]:
            condition = language.condition(text)
            assert condition is not None
            where, parameters = language.sql(condition, "postgresql")
            rows = database.execute(f"SELECT flow_id FROM flows WHERE {where}".encode(), parameters).fetchall()
            return {row[0].hex for row in rows}

        yield ask


@pytest.fixture(scope="module")
def in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    path = tmp_path_factory.mktemp("sqlite") / "flows.sqlite"
    _stored(str(path))
    with closing(sqlite3.connect(path)) as database:
        add_functions(database)

        def ask(text: str) -> set[str]:
            condition = language.condition(text)
            assert condition is not None
            where, parameters = language.sql(condition, "sqlite")
            return {row[0].hex() for row in database.execute(f"SELECT flow_id FROM flows WHERE {where}", parameters)}

        yield ask


@pytest.fixture(scope="module")
def in_mariadb(mariadb_server: str) -> Iterator[Ask]:
    address = f"{mariadb_server.rsplit('/', 1)[0]}/test_filters"
    with connect(make_url(mariadb_server)) as server, server.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE DATABASE test_filters")
    _stored(address)
    with opened(make_url(address)) as database:

        def ask(text: str) -> set[str]:
            condition = language.condition(text)
            assert condition is not None
            try:
                where, parameters = language.sql(condition, "mysql")
            except FilterError:  # the text of an address: read_flows leaves that to who reads
                return in_polars(text)
            return set(database.names(f"SELECT lower(hex(flow_id)) FROM flows WHERE {where}", parameters))

        yield ask


def _stored(address: str) -> None:
    sink = SqlSink(address)
    sink.write(FLOWS)
    sink.close()


def in_polars(text: str) -> set[str]:
    condition = language.compile(text)
    assert condition is not None
    return set(FRAME.filter(condition)["id"])


def in_numpy(text: str) -> set[str]:
    condition = language.condition(text)
    assert condition is not None
    mask = language.mask(condition)(FLOWS)
    return {name for name, chosen in zip(IDS, mask, strict=True) if chosen}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=filters())
def test_a_filter_selects_the_same_records_everywhere(
    text: str, in_duckdb: Ask, in_postgresql: Ask, in_sqlite: Ask, in_mariadb: Ask
) -> None:
    expected = in_polars(text)
    assert in_numpy(text) == expected
    assert in_duckdb(text) == expected
    assert in_postgresql(text) == expected
    assert in_sqlite(text) == expected
    assert in_mariadb(text) == expected


def test_labels_are_asked_for_as_they_were_before_they_were_escaped(
    in_duckdb: Ask, in_postgresql: Ask, in_sqlite: Ask, in_mariadb: Ask
) -> None:
    escaped = {each for each, label in zip(IDS, FRAME["labels"], strict=True) if "061" in label}
    assert escaped
    for ask in (in_polars, in_numpy, in_duckdb, in_postgresql, in_sqlite, in_mariadb):
        assert ask('sname = "a=b:,c.example"') == escaped
        assert ask('sname ~ "^a=b"') == escaped


@pytest.mark.parametrize("text", ["smask = 32", "dmask = 128", "not masklen = 32", 'sid ~ "^[\\x22]*tap$"'])
def test_prefix_lengths_and_quotes_in_patterns_are_the_same_everywhere(
    text: str, in_duckdb: Ask, in_postgresql: Ask, in_sqlite: Ask, in_mariadb: Ask
) -> None:
    expected = in_polars(text)
    assert expected
    for ask in (in_numpy, in_duckdb, in_postgresql, in_sqlite, in_mariadb):
        assert ask(text) == expected
