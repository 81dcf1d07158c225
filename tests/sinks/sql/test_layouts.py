"""Chosen columns, whole records beside them, tables by time, keys and retention, in each database."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import psycopg
import pytest

from processors.merge.row_keys import MergedRows
from sinks.position import Position
from sinks.sql import Keeping, SqlSink
from sinks.sql.layout import Layout, chosen, repeating, whole
from sinks.sql.reader import ask, read_flows
from tests.topics.filter_texts import flows
from topics.address_text import IPV4_MAPPED
from topics.batch import FlowBatch, records_like
from topics.errors import DatabaseError, UsageError
from topics.frame import from_arrow, to_arrow

DAY = 86_400 * 10**9
NOON = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()) * 10**9
FLOWS = flows(120, seed=5)
FEW = ("stime", "saddr", "dport", "pkts", "dur", "state")


def kept(address: str, batch: FlowBatch, keeping: Keeping, now: float = 0.0) -> None:
    sink = SqlSink(address, keeping=keeping, now=lambda: now)
    sink.write(batch)
    sink.close()


def by_days(days: int) -> FlowBatch:
    """One flow a day from 10 March 2026, at noon."""
    records = records_like(days)
    records["flow_id"][:, 0] = range(days)
    records["ethertype"], records["protocol"], records["src_packets"] = 0x0800, 6, 1
    for name in ("flow_start", "src_first", "src_last"):
        records[name] = NOON + np.arange(days) * DAY
    records["src_address"] = list(IPV4_MAPPED + bytes([10, 0, 0, 1]))
    records["dst_address"] = list(IPV4_MAPPED + bytes([10, 0, 0, 2]))
    return FlowBatch(records=records)


def test_chosen_columns_with_the_record_give_whole_records_back(address: str) -> None:
    for _ in range(2):
        kept(f"{address}/few", FLOWS, Keeping(chosen(FEW, record=True)))
    found = from_arrow(pl.concat(read_flows(f"{address}/few")).sort("flow_id").to_arrow())
    expected = from_arrow(pl.DataFrame(to_arrow(FLOWS)).sort("flow_id").to_arrow())
    for name in FLOWS.records.dtype.names or ():
        assert name.endswith("_offset") or (found.records[name] == expected.records[name]).all(), name
    assert ask(f"{address}/few", "SELECT count(*), sum(pkts) FROM {table}")[0][0] == len(FLOWS)


def test_chosen_columns_alone_are_no_records(address: str) -> None:
    kept(f"{address}/few", FLOWS, Keeping(chosen(FEW)))
    assert ask(f"{address}/few", "SELECT count(pkts) FROM {table}")[0][0] == len(FLOWS)
    with pytest.raises(DatabaseError, match="table few has chosen fields only"):
        list(read_flows(f"{address}/few"))
    with pytest.raises(DatabaseError, match="no table flows: there is few"):
        list(read_flows(address))


def test_fields_that_are_chosen_later_are_added(address: str) -> None:
    kept(f"{address}/few", FLOWS, Keeping(chosen(("pkts",))))
    kept(f"{address}/few", FLOWS, Keeping(chosen(("pkts", "bytes"))))
    assert ask(f"{address}/few", "SELECT count(bytes) FROM {table}")[0][0] == len(FLOWS)


@pytest.mark.parametrize(
    ("first", "second"),
    [(chosen(FEW), chosen(FEW, ["saddr"], record=True)), (chosen(FEW), chosen(FEW, ["none"])), (chosen(FEW), whole())],
)
def test_a_table_of_other_keys_is_refused(first: Layout, second: Layout, tmp_path: object) -> None:
    address = f"{tmp_path}/x.sqlite/few"
    kept(address, FLOWS, Keeping(first))
    if second is whole():
        kept(address, FLOWS, Keeping(second))  # only lacks columns
        return
    with pytest.raises(DatabaseError, match="made for other fields or keys"):
        SqlSink(address, keeping=Keeping(second))


def test_each_day_has_a_table_and_a_time_range_takes_those_it_needs(address: str) -> None:
    pattern = f"{address}/by_%Y_%m_%d"
    kept(pattern, by_days(4), Keeping())
    assert sum(frame.height for frame in read_flows(pattern)) == 4
    assert sum(frame.height for frame in read_flows(f"{address}/by_2026_03_11")) == 1
    between = (NOON + DAY - 1, NOON + 2 * DAY)
    assert sum(frame.height for frame in read_flows(pattern, between=between)) == 2


def test_what_is_too_old_is_dropped(address: str) -> None:
    keeping = Keeping(seconds=2 * 86_400)
    for table in ("by_%Y_%m_%d", "one"):
        kept(f"{address}/{table}", by_days(4), keeping)
        kept(f"{address}/{table}", by_days(0), keeping, now=NOON / 1e9 + 4 * 86_400 - 1)
    assert sum(frame.height for frame in read_flows(f"{address}/by_%Y_%m_%d")) == 2
    assert sum(frame.height for frame in read_flows(f"{address}/one")) == 2


def test_what_was_kept_is_dropped_with_the_view_on_it_when_asked(address: str) -> None:
    kept(address, by_days(3), Keeping())
    kept(address, by_days(1), Keeping(drop=True))
    assert sum(frame.height for frame in read_flows(address)) == 1
    assert ask(address, "SELECT sum(flows) FROM conversations")[0][0] == 1


def test_merged_rows_add_up_and_replayed_messages_do_not(address: str) -> None:
    keys = ("saddr", "daddr")
    keeping = Keeping(chosen(("saddr", "daddr", "pkts"), keys, record=True), MergedRows(keys))
    for run in range(2):  # the second time after a crash: two messages come again, one is new
        sink = SqlSink(f"{address}/pairs", keeping=keeping)
        for offset in range(3 if run else 2):
            sink.write(by_days(3), Position("topic/0", offset))
            sink.flush()
        sink.close()
        assert sink.safe_offsets() == {"topic/0": 3 if run else 2}
    assert [(int(a), int(b)) for a, b in ask(f"{address}/pairs", "SELECT count(*), sum(pkts) FROM {table}")] == [(1, 9)]
    merged = pl.concat(read_flows(f"{address}/pairs"))
    assert merged.select("records", "src_packets").row(0) == (9, 9)


def test_rows_without_a_key_repeat_but_not_when_messages_do(address: str) -> None:
    for _ in range(2):
        sink = SqlSink(f"{address}/plain", keeping=Keeping(repeating()))
        sink.write(by_days(2), Position("topic/0", 7))
        sink.write(by_days(2), Position("topic/0", 8))
        sink.close()
    assert ask(f"{address}/plain", "SELECT count(*) FROM {table}")[0][0] == 4


def test_postgresql_has_partitions_that_are_dropped(postgresql_database: str) -> None:
    pattern = f"{postgresql_database}/flows_%Y_%m_%d"
    kept(pattern, by_days(3), Keeping(partitions=True))
    kept(pattern, by_days(3), Keeping(partitions=True, seconds=86_400), now=NOON / 1e9 + 86_400 * 2)
    with psycopg.connect(postgresql_database) as connection:
        assert connection.execute("SELECT count(*) FROM flows").fetchone() == (3,)
        assert connection.execute("SELECT sum(flows) FROM conversations").fetchone() == (3,)
    kept(pattern, by_days(0), Keeping(partitions=True, seconds=86_400), now=NOON / 1e9 + 86_400 * 2)
    assert sum(frame.height for frame in read_flows(postgresql_database)) == 2


def test_others_have_none(tmp_path: object) -> None:
    with pytest.raises(DatabaseError, match="only PostgreSQL has partitions"):
        kept(f"{tmp_path}/x.sqlite/flows_%Y", by_days(1), Keeping(partitions=True))
    with pytest.raises(UsageError, match="partitions need a table with times"):
        SqlSink(f"{tmp_path}/x.sqlite", keeping=Keeping(partitions=True))


@pytest.mark.parametrize(("name", "said"), [("nope", "unknown field 'nope'"), ("tcpext", "never has a value")])
def test_fields_that_cannot_be_columns_are_refused(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen([name])
