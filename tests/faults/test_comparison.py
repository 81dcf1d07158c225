"""The comparison of the soak finds what it is there for: a row lost, a row there twice, a row changed in any column."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sinks.sql import SqlSink
from tests.faults.comparison import Difference, difference
from tests.random_batches import random_batch

Connection = psycopg.Connection[Any]

FLOWS = 200
ONE = "flow_id = (SELECT flow_id FROM public.flows ORDER BY flow_id LIMIT 1 OFFSET 77)"


@pytest.fixture
def connection(postgresql_database: str) -> Iterator[Connection]:
    """Two tables of the same flows, in the schemas `quiet` and `public`."""
    sink = SqlSink(postgresql_database)
    sink.write(random_batch(1, FLOWS, now=1_700_000_000_123_456_789))
    sink.close()
    with psycopg.connect(postgresql_database) as connection:
        connection.execute("CREATE SCHEMA quiet")
        connection.execute("CREATE TABLE quiet.flows AS TABLE public.flows")
        connection.execute("CREATE TABLE public.others AS TABLE public.flows")  # keys do not let rows be there twice
        connection.execute("DROP TABLE public.flows CASCADE")
        connection.execute("ALTER TABLE public.others RENAME TO flows")
        yield connection


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("DELETE FROM public.flows WHERE " + ONE, Difference(1, 0, 1)),
        (f"INSERT INTO public.flows SELECT * FROM quiet.flows WHERE {ONE}", Difference(0, 1, 1)),
        (f"UPDATE public.flows SET src_packets = src_packets + 1 WHERE {ONE}", Difference(1, 1, 1)),
        ("UPDATE public.flows SET flow_id = gen_random_uuid() WHERE " + ONE, Difference(1, 1, 2)),
    ],
    ids=["lost", "twice", "changed", "another"],
)
def test_one_row_is_found(connection: Connection, change: str, found: Difference) -> None:
    assert difference(connection, "quiet", "public") == (0, 0, 0)
    connection.execute(change.encode())
    assert difference(connection, "quiet", "public") == found


def test_all_rows_lost_are_found(connection: Connection) -> None:
    connection.execute("DELETE FROM public.flows")
    assert difference(connection, "quiet", "public")[:2] == (FLOWS, 0)


def test_a_change_of_any_column_is_found(connection: Connection) -> None:
    row = connection.execute(f"SELECT * FROM public.flows WHERE {ONE}".encode())
    values = dict(zip((column.name for column in row.description or ()), row.fetchone() or (), strict=True))
    filled = [name for name, value in values.items() if value is not None]
    assert len(filled) > 50
    for name in filled:
        with connection.transaction(force_rollback=True):
            connection.execute(f'UPDATE public.flows SET "{name}" = NULL WHERE {ONE}'.encode())
            assert difference(connection, "quiet", "public")[:2] == (1, 1), name
