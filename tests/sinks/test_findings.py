"""DNS transactions, findings about mirror ports and alerts in tables, each once."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import psycopg
import pytest

from sinks.findings import FindingsDatabase
from topics.alerts import Alert
from topics.dns import DNS_DTYPE, RESOURCE_DTYPE, DnsBatch
from topics.errors import DatabaseAwayError, UsageError
from topics.spans import SpanFinding

SECOND = 1_000_000_000
TIME = 1_700_000_000 * SECOND
MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
IPV4 = bytes(10) + b"\xff\xff"
ALERT = Alert("a" * 16, 0, "raised", "scan", "high", (("saddr", "10.0.0.1"),), "one\0line", TIME, TIME,
              TIME + SECOND, 3, value=4.0, limit=2.0, flow_ids=(bytes(16),), tags={"team": "soc"})  # fmt: skip
SPAN = SpanFinding("s", "p", "eth0", 1, "raised", TIME, TIME + SECOND, 0, 0, 1, 5, False, 10, 4, 400, 100, 120, [1, 3],
                   "copies")  # fmt: skip


def transactions() -> DnsBatch:
    """A question that was answered, and one that was not."""
    rows, resources = np.zeros(2, DNS_DTYPE), np.zeros(1, RESOURCE_DTYPE)
    rows["time"], rows["answered"] = (TIME, TIME + SECOND), (TIME + 5_000_000, 0)
    rows["client"][:] = np.frombuffer(IPV4 + b"\x0a\0\0\1", np.uint8)
    rows["server"][:] = np.frombuffer(IPV4 + b"\x0a\0\0\2", np.uint8)
    rows["flow_id"][0] = 7
    rows["state"], rows["record_type"], rows["name_length"], rows["name_offset"] = (3, 1), 1, 2, (0, 2)
    resources["section"], resources["record_type"], resources["ttl"] = 1, 1, 60
    resources["name_length"], resources["data_offset"], resources["data_length"] = 2, 2, 4
    heap, held = np.frombuffer(b"a.b.", np.uint8), np.frombuffer(b"a.\xc0\0\2\1", np.uint8)
    return DnsBatch(rows, resources, heap, held, site="s", probe="p", interface="eth0", boot_id=1)


def keep(address: str) -> FindingsDatabase:
    database = FindingsDatabase(address)
    database.write([transactions(), SPAN, ALERT, ALERT])
    database.write([transactions(), replace(ALERT, revision=1, state="resolved")])
    return database


def test_duckdb_has_typed_tables_and_keeps_each_finding_once(tmp_path: Path) -> None:
    path = str(tmp_path / "findings.duckdb")
    for _ in range(2):
        keep(path).close()
    with duckdb.connect(path) as database:
        rows = database.execute("SELECT name, type, result, latency_ms, answer FROM dns ORDER BY time").fetchall()
        assert rows == [("a.", "A", "NOERROR", 5.0, "A=192.0.2.1"), ("b.", "A", "NOANSWER", None, None)]
        assert database.execute("SELECT subject->>'saddr', state FROM alerts ORDER BY revision").fetchall() == [
            ("10.0.0.1", "raised"),
            ("10.0.0.1", "resolved"),
        ]


def test_postgresql_has_the_same(postgresql_database: str) -> None:
    for _ in range(2):
        keep(postgresql_database).close()
    with psycopg.connect(postgresql_database) as database:
        database.execute("SET TIME ZONE 'UTC'")
        query = "SELECT time, answered IS NULL, flow_id, client << '10.0.0.0/8', server_port FROM dns ORDER BY time"
        assert database.execute(query).fetchall() == [
            (MOMENT, False, uuid.UUID(bytes=bytes([7] * 16)), True, 0),
            (MOMENT.replace(second=21), True, None, True, 0),
        ]
        query = "SELECT section, r.name, data, ttl FROM dns_resources r JOIN dns USING (transaction_id)"
        assert database.execute(query).fetchall() == [("answer", "a.", "192.0.2.1", 60)]
        assert database.execute("SELECT diagnosis, lags->>1, one_way FROM spans").fetchall() == [("copies", "3", False)]
        query = """SELECT tags->>'team', "limit", first = time, summary FROM alerts WHERE state = 'raised'"""
        assert database.execute(query).fetchall() == [("soc", 2.0, True, "one\ufffdline")]


def test_a_column_that_is_lacking_is_added(postgresql_database: str) -> None:
    keep(postgresql_database).close()
    with psycopg.connect(postgresql_database) as database:
        database.execute("ALTER TABLE spans DROP COLUMN diagnosis")
    FindingsDatabase(postgresql_database).close()
    with psycopg.connect(postgresql_database) as database:
        assert database.execute("SELECT diagnosis FROM spans").fetchall() == [(None,)]


def test_a_connection_that_was_lost_is_made_again(postgresql_database: str) -> None:
    findings = keep(postgresql_database)
    with psycopg.connect(postgresql_database, autocommit=True) as database:
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                         "AND datname = current_database()")  # fmt: skip
        with pytest.raises(DatabaseAwayError):
            findings.write([replace(SPAN, state="cleared")])
        findings.write([replace(SPAN, state="cleared")])
        assert database.execute("SELECT count(*) FROM spans").fetchone() == (2,)
    findings.close()


def test_other_databases_are_refused() -> None:
    with pytest.raises(UsageError, match="findings are kept in DuckDB and PostgreSQL only"):
        FindingsDatabase("findings.sqlite")
