import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from sinks.position import Position
from sinks.sql import SqlSink, sink
from sinks.sql.address import parse
from sinks.sql.copying import telling
from sinks.sql.layout import whole
from sinks.sql.mysql import connect
from sinks.sql.rows import rows
from tests.random_batches import random_batch
from tests.sinks.sql.fields import Row, assert_holds, database_rows, expected_rows, key, postgresql_rows
from topics.address_text import IPV4_MAPPED
from topics.batch import FlowBatch, Observer, concatenate, records_like
from topics.errors import DatabaseError, UsageError

NOW = 1_700_000_000_123_456_789


class Database:
    """An empty database: its address, and its rows."""

    def __init__(self, address: str) -> None:
        self.address = address

    def rows(self) -> list[Row]:
        return database_rows(self.address)


@pytest.fixture(params=["duckdb", "sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param in ("duckdb", "sqlite"):
        return Database(str(tmp_path / f"flows.{request.param}"))
    return Database(request.getfixturevalue(f"{request.param}_database"))


def flows(seed: int, count: int) -> FlowBatch:
    """Random flows as a probe could see them: layer 2 addresses are MACs."""
    batch = random_batch(seed, count, now=NOW)
    ethertypes = (0x0800, 0x86DD, 0x0806, 0x88CC)
    batch.records["ethertype"] = [ethertypes[number % 4] for number in range(count)]
    for name in ("src_address", "dst_address"):
        batch.records[name][3::4, :10] = 0
        batch.records[name][::4, :12] = list(IPV4_MAPPED)
    return batch


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_every_field_of_every_record_is_kept_exactly(database: Database, seed: int, count: int) -> None:
    batch = flows(seed, count)
    with_sink(database, lambda store: store.write(batch))
    mine = {key(row) for row in expected_rows(batch)}
    assert_holds([row for row in database.rows() if key(row) in mine], batch)


def with_sink(database: Database, action: Callable[[SqlSink], None]) -> None:
    store = SqlSink(database.address)
    action(store)
    store.close()


def test_the_same_flows_again_change_nothing_and_newer_values_replace(database: Database) -> None:
    batch = flows(1, 50)
    for _ in range(2):
        with_sink(database, lambda store: store.write(batch))
    assert_holds(database.rows(), batch)
    newer = batch.replace(records=batch.records.copy())
    newer.records["src_packets"] = 77
    newer.records["cause"] = 0
    with_sink(database, lambda store: store.write(newer))
    assert_holds(database.rows(), newer)


def test_of_one_flow_twice_in_a_transaction_the_later_one_stays(database: Database) -> None:
    batch = flows(2, 20)
    later = batch.replace(records=batch.records.copy())
    later.records["dst_bytes"] = 5
    with_sink(database, lambda store: store.write(concatenate([batch, later])))
    assert_holds(database.rows(), later)


def test_status_records_of_one_flow_are_rows_of_their_own(database: Database) -> None:
    batch = flows(3, 10)
    batch.records["flow_id"] = batch.records["flow_id"][0]
    batch.records["status_sequence"] = range(10)
    with_sink(database, lambda store: store.write(batch))
    assert len(database.rows()) == 10


def test_people_find_time_duration_and_totals(database: Database) -> None:
    batch = flows(4, 1)
    records = batch.records
    records["src_first"], records["dst_first"] = NOW + 500, NOW
    records["src_last"], records["dst_last"] = NOW + 1500, NOW + 2_500_000_000
    records["src_packets"], records["dst_packets"] = 3, 4
    records["src_bytes"], records["dst_bytes"] = 300, 4000
    with_sink(database, lambda store: store.write(batch))
    row = database.rows()[0]
    assert (row["duration"], row["packets"], row["bytes"]) == (2.5, 7, 4300)
    assert ask(database, "SELECT sum(bytes), count(*) FROM flows WHERE stime <= ltime")[0] == (4300, 1)
    epochs = {
        "sqlite": "SELECT printf('%.6f', stime) FROM flows",
        "mysql": "SELECT CAST(timestampdiff(MICROSECOND, '1970-01-01', stime) / 1000000 AS DECIMAL(20, 6)) FROM flows",
    }
    postgresql = "SELECT extract(epoch FROM stime)::numeric(20,6)::text FROM flows"
    epoch = ask(database, epochs.get(kind(database), postgresql))[0][0]
    assert str(epoch) == "1700000000.123456"


def kind(database: Database) -> str:
    return parse(database.address).drivername


def ask(database: Database, question: str) -> list[tuple[Any, ...]]:
    return change(database, question)


def test_postgresql_has_addresses_and_times_of_its_own(postgresql_database: str) -> None:
    records = records_like(1)
    records["ethertype"], records["src_first"], records["src_last"] = 0x0800, NOW, NOW
    records["src_address"] = list(IPV4_MAPPED + bytes([10, 1, 2, 3]))
    store = SqlSink(postgresql_database)
    store.write(FlowBatch(records=records))
    store.close()
    with psycopg.connect(postgresql_database) as connection:
        found = connection.execute("SELECT stime, src_address << '10.0.0.0/8', flow_id FROM flows").fetchone()
    assert found is not None
    assert found[0] == datetime.fromtimestamp(NOW // 10**9, UTC) + timedelta(microseconds=123_456)
    assert found[1] is True


def test_conversations_add_up(database: Database) -> None:
    records = records_like(3)
    records["ethertype"], records["protocol"], records["dst_port"] = 0x0800, 6, 443
    records["status_sequence"] = range(3)
    records["src_bytes"] = [10, 20, 30]
    with_sink(database, lambda store: store.write(FlowBatch(records=records)))
    assert [tuple(row) for row in ask(database, "SELECT flows, bytes, dst_port FROM conversations")] == [(3, 60, 443)]


def test_text_that_a_database_cannot_hold_does_not_stop_it(database: Database) -> None:
    records = records_like(1)
    observer = Observer("a\0b", 'quote " comma , \\', "line\nbreak")
    records["observer"] = observer.id
    with_sink(database, lambda store: store.write(FlowBatch(records=records, observers={observer.id: observer})))
    row = database.rows()[0]
    assert row["site"] in ("a\0b", "a\ufffdb")
    assert (row["probe"], row["interface"]) == (observer.probe, observer.interface)


def test_records_wait_until_they_are_many_or_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    store = SqlSink(str(tmp_path / "x.duckdb"), linger=2.0, clock=lambda: now[0])
    monkeypatch.setattr(store._store, "at_once", 100)
    monkeypatch.setattr(sink, "PIECE", 8)
    store.write(flows(1, 60), Position("p", 4))
    store.advance(0)
    assert (store.records, store.safe_offsets()) == (0, {})
    now[0] = 2.0
    store.advance(0)
    assert (store.records, store.safe_offsets()) == (60, {"p": 5})
    store.write(flows(2, 60), Position("p", 5))
    store.write(flows(3, 60), Position("q", 9))
    assert (store.records, store.safe_offsets()) == (180, {"p": 6, "q": 10})
    store.write(FlowBatch(), Position("p", 6))
    store.flush()
    assert store.safe_offsets()["p"] == 7
    store.close()


def test_an_error_in_the_middle_leaves_nothing_of_the_batch(database: Database) -> None:
    with_sink(database, lambda store: store.write(flows(1, 10)))
    store = SqlSink(database.address)
    good, bad = flows(2, 30), rows(flows(3, 30), whole())
    store.write(good)
    no_id = None if kind(database) == "sqlite" else bytes(17)
    wrong = bad.with_columns(flow_id=pl.Series([*bad["flow_id"][:29], no_id], dtype=pl.Binary))
    with pytest.raises((DatabaseError, ValueError), match=r"^[^\n]+"), store._store.transaction():
        store._store.upsert("flows", whole(), wrong)
    assert kind(database) == "duckdb" or len(database.rows()) == 10
    store.close()
    assert_holds(database.rows(), concatenate([flows(1, 10), good]))


def test_a_table_of_another_make_is_refused(database: Database) -> None:
    change(database, "CREATE TABLE flows (a int)")
    with pytest.raises(DatabaseError, match=r"table flows lacks the column flow_id"):
        SqlSink(database.address)


def test_a_table_of_an_earlier_release_gets_the_columns_that_are_new(database: Database) -> None:
    old, new = flows(1, 4), flows(2, 4)
    with_sink(database, lambda store: store.write(old))
    change(database, 'ALTER TABLE flows DROP COLUMN "src_duplicate_lag_max"')
    change(database, 'ALTER TABLE flows DROP COLUMN "dst_duplicate_ttl"')
    with_sink(database, lambda store: store.write(new))
    counted = ask(database, "SELECT sum(src_duplicate_lag_max), sum(dst_duplicate_ttl), count(*) FROM flows")
    sums = [int(new.records[name].sum(dtype="i8")) for name in ("src_duplicate_lag_max", "dst_duplicate_ttl")]
    assert [tuple(row) for row in counted] == [(*sums, 8)]


def change(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows."""
    if kind(database) == "postgresql":
        with psycopg.connect(database.address) as server:
            done = server.execute(statement.encode())
            return done.fetchall() if done.description else []
    if kind(database) == "mysql":
        with connect(make_url(database.address), autocommit=True) as maria, maria.cursor() as cursor:
            cursor.execute(statement.replace('"', "`"))
            return list(cursor.fetchall())
    if kind(database) == "sqlite":
        with closing(sqlite3.connect(database.address, isolation_level=None)) as file:
            return file.execute(statement).fetchall()
    with duckdb.connect(database.address) as local:
        return local.execute(statement).fetchall()


def test_columns_of_types_that_somebody_chose_are_filled(postgresql_database: str) -> None:
    old, new = flows(1, 4), flows(2, 4)
    database = Database(postgresql_database)
    with_sink(database, lambda store: store.write(old))
    change(database, "DROP VIEW conversations")
    change(database, "ALTER TABLE flows ALTER src_bytes TYPE numeric, ALTER src_port TYPE bigint")
    with_sink(database, lambda store: store.write(new))
    found = ask(database, "SELECT sum(src_bytes), sum(src_port) FROM flows")
    both = concatenate([old, new]).records
    sums = [sum(map(int, both[name])) for name in ("src_bytes", "src_port")]
    assert [tuple(map(int, row)) for row in found] == [tuple(sums)]


def test_columns_that_say_nothing_are_kept_exactly_whatever_a_table_takes_for_nothing(postgresql_database: str) -> None:
    database, first, second = Database(postgresql_database), nothing(1), nothing(2)
    with_sink(database, lambda store: store.write(first))
    changes = "ALTER src_vlan SET DEFAULT 7, ALTER labels SET DEFAULT 'x', ALTER src_gap_bytes DROP DEFAULT"
    change(database, f"ALTER TABLE flows {changes}")
    with_sink(database, lambda store: store.write(second))
    with_sink(database, lambda store: store.write(second))
    assert_holds(database.rows(), concatenate([first, second]))


def nothing(number: int) -> FlowBatch:
    """Records that say little more than which they are."""
    records = records_like(3)
    point = Observer("", "", "")
    records["ethertype"], records["flow_id"][:, 0], records["flow_id"][:, 1] = 0x0800, number, range(3)
    records["observer"] = point.id
    return FlowBatch(records, observers={point.id: point})


def test_columns_that_say_nothing_are_not_sent() -> None:
    batch = nothing(1)
    batch.records["src_bytes"], batch.records["src_vlan"] = [0, 5, 0], 3
    defaults: dict[str, str | None] = dict.fromkeys(whole().names) | {"src_bytes": "0", "src_vlan": "0", "src_tos": "0"}
    sent = telling(rows(batch, whole()), whole(), defaults).names
    assert {"flow_id", "status_sequence", "src_bytes", "src_vlan", "dst_tos"} <= set(sent)
    assert not {"src_tos", "labels", "src_payload", "src_first", "icmp_error_router"} & set(sent)


def test_two_sinks_start_together(postgresql_database: str) -> None:
    one, two = SqlSink(postgresql_database), SqlSink(postgresql_database)
    batch = flows(1, 30)
    for store in (one, two):
        store.write(batch)
        store.close()
    assert_holds(postgresql_rows(postgresql_database), batch)


def test_a_refusing_server_is_named_without_the_password(postgresql_url: str) -> None:
    secret = urlsplit(postgresql_url).password or ""
    for address, said in (
        (postgresql_url.replace(secret, "wrong-password"), "password authentication failed"),
        (postgresql_url.rsplit("/", 1)[0] + "/absent", "does not exist"),
        (f"postgresql://argosy:{secret}@127.0.0.1:1/postgres", "refused"),
        (f"{postgresql_url}?password={secret}&sslmode=bogus", "sslmode"),
    ):
        with pytest.raises(DatabaseError, match=rf"^postgresql://argosy@127\.0\.0\.1:[^\n]*{said}[^\n]*$") as caught:
            SqlSink(address)
        assert secret not in str(caught.value)
        assert "wrong-password" not in str(caught.value)


def test_a_server_that_goes_away_ends_in_one_line_and_nothing_written(postgresql_database: str) -> None:
    store = SqlSink(postgresql_database)
    store.write(flows(1, 20))
    with psycopg.connect(postgresql_database, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'argosy' "
                      "AND datname = current_database()")  # fmt: skip
    with pytest.raises(DatabaseError, match=r"^postgresql://[^\n]+$"):
        store.close()
    assert postgresql_rows(postgresql_database) == []


def test_a_user_without_rights_is_told(postgresql_database: str) -> None:
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reader-secret'")
    host = postgresql_database.split("@")[1]
    with pytest.raises(DatabaseError, match="permission denied"):
        SqlSink(f"postgresql://reader:reader-secret@{host}")


def test_files_that_are_no_database_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("just a text\n" * 100)
    (tmp_path / "directory.duckdb").mkdir()
    for name in ("text.duckdb", "directory.duckdb", "absent/x.duckdb"):
        with pytest.raises(DatabaseError, match=rf"^{tmp_path}/{name}: [^\n]+$"):
            SqlSink(str(tmp_path / name))


def test_duckdb_addresses_are_paths_as_sqlalchemy_has_them(tmp_path: Path) -> None:
    SqlSink(f"duckdb:///{tmp_path}/a.duckdb").close()
    assert (tmp_path / "a.duckdb").is_file()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("oracle://u:secret-word@h/d", "unknown kind of database 'oracle'"),
        ("flows.db", "no database address"),
        ("duckdb://", "names that file"),
        ("duckdb:///:memory:", "names that file"),
        ("mysql://u:secret-word@h", "names the database"),
        ("mysql://u:secret-word@h/d/t/x", "names the database"),
        ("mysql://u:secret-word@h/d/t;x", "table 't;x': a name has letters"),
        ("flows.sqlite/flows_%m", "would hold several times"),
        ("flows.sqlite/flows_%y", "times are %Y"),
        ("postgresql://u:secret-word@h:port/d", "cannot be read"),
        ("", "no database address"),
    ],
)
def test_other_addresses_are_refused_without_showing_secrets(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        SqlSink(address)
    assert "secret-word" not in str(caught.value)
