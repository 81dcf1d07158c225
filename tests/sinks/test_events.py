"""Events in tables and files, each once."""

from pathlib import Path

import duckdb
import psycopg

from probes.events.parsing.lsof import socket_row
from sinks.events import EventDatabase, EventDirectory
from sinks.formats.events import read_events
from topics.events import EventRecord, encode_event

SOCKET = socket_row(
    protocol=6, local=bytes(10) + b"\xff\xff\x0a\0\0\1", local_port=22, pid=7, process="ss\0hd", user="root"
)
EVENTS = [
    EventRecord("s", "p", 1, 0, "lsof", "lsof", 10**18, 10**18 + 5,
                body={"sockets": [SOCKET, SOCKET | {"pid": 8}], "destroyed": 1, "unknown": 1, "lost": 0}),
    EventRecord("s", "p", 1, 1, "vmstat", "vmstat", 10**18, 10**18 + 5, body={"counters": {"a": 1, "b": 2}}),
    EventRecord("s", "p", 1, 2, "x", "generic", 10**18, 10**18 + 5, status="failed", output=b"\0out"),
]  # fmt: skip
KEPT = [(event, encode_event(event)) for event in EVENTS]


def test_duckdb_has_typed_tables_and_keeps_each_event_once(tmp_path: Path) -> None:
    path = str(tmp_path / "events.duckdb")
    for _ in range(2):
        sink = EventDatabase(path)
        sink.write(KEPT)
        sink.close()
    with duckdb.connect(path) as database:
        query = "SELECT local, local_port, remote, pid, process FROM event_lsof_sockets ORDER BY pid"
        assert database.execute(query).fetchall() == [
            ("10.0.0.1", 22, None, 7, "ss\ufffdhd"),
            ("10.0.0.1", 22, None, 8, "ss\ufffdhd"),
        ]
        assert database.execute("SELECT name, value FROM event_vmstat_counters ORDER BY name").fetchall() == [
            ("a", 1),
            ("b", 2),
        ]
        assert database.execute("SELECT status, output FROM events WHERE sequence = 2").fetchall() == [
            ("failed", "\ufffdout")
        ]
        assert database.execute("SELECT count(*) FROM events").fetchall() == [(3,)]


def test_postgresql_has_the_same(postgresql_database: str) -> None:
    for _ in range(2):
        sink = EventDatabase(postgresql_database)
        sink.write(KEPT)
        sink.close()
    with psycopg.connect(postgresql_database) as database:
        query = "SELECT count(*), sum(pid) FROM event_lsof_sockets WHERE local << '10.0.0.0/8'"
        assert database.execute(query).fetchone() == (2, 15)
        assert database.execute("SELECT unknown FROM event_lsof").fetchall() == [(1,)]
        assert database.execute("SELECT count(*) FROM events").fetchone() == (3,)


def test_a_file_written_again_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    directory = EventDirectory(tmp_path)
    directory.write_from(0, 5, KEPT[:1])
    directory.write_from(0, 5, KEPT)
    (path,) = tmp_path.rglob("*.events")
    assert list(read_events(str(path))) == EVENTS
