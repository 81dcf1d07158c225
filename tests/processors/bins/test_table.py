"""Bins as columns say what bins of whole records say."""

import numpy as np
import polars as pl
import pytest

from processors.bins import BIN, BinTable, Series, bin_size
from processors.bins.pieces import NEEDED, pieces
from processors.bins.split import split
from processors.merge.by_fields import aggregation
from tests.random_batches import random_batch
from topics.batch import FlowBatch, concatenate
from topics.errors import UsageError
from topics.frame import to_arrow
from topics.schema import flow_fields

NOW = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
MERGED = (*NEEDED, "src_bytes", "dst_bytes", "src_app_bytes", "syn_ack_time", "records", "src_gap_sum", "src_gap_max")
COLUMNS = [name for name in MERGED if name in {each.name for each in flow_fields()}]


def batch(count: int = 300) -> FlowBatch:
    """Records that last up to a minute."""
    found = random_batch(7, count, heap=False, now=NOW)
    for side in ("src", "dst"):
        records = found.records
        records[f"{side}_packets"] %= 1000
        records[f"{side}_bytes"] %= 1 << 40
        for name in ("bytes", "app_bytes"):
            records[f"{side}_{name}"] *= records[f"{side}_packets"] > 0
        first = NOW + records[f"{side}_bytes"] % (100 * SECOND)
        records[f"{side}_first"] = first * (records[f"{side}_packets"] > 0)
        records[f"{side}_last"] = (first + records["flow_id"][:, 0].astype(np.int64) % 60 * SECOND) * (
            records[f"{side}_packets"] > 0
        )
    found.records["protocol"] %= 3
    found.records["ethertype"] = 0x0800
    return found.select((found.records["src_packets"] > 0) | (found.records["dst_packets"] > 0))


def frame(flows: FlowBatch) -> pl.DataFrame:
    made = pl.from_arrow(to_arrow(flows))
    assert isinstance(made, pl.DataFrame)
    return made


@pytest.mark.parametrize("size", ["1s", "7s", "1d"])
def test_pieces_of_columns_are_pieces_of_records(size: str) -> None:
    flows = batch()
    whole, starts = split(flows, bin_size(size))
    found = pieces(frame(flows).select(COLUMNS), bin_size(size))
    assert found[BIN].to_list() == starts.tolist()
    assert found.select(COLUMNS).equals(frame(whole).select(COLUMNS))


def test_bins_of_columns_are_those_of_whole_records() -> None:
    flows, size = batch(), bin_size("5s")
    series = Series(size, lambda: aggregation(["proto"], correct=False, capacity=16))
    expected = []
    for given in (flows.select(slice(0, 100)), flows.select(slice(100, None))):
        expected += list(series.add(given))
    expected += list(series.finish())
    table = BinTable(size, [pl.col("protocol").alias("proto")], COLUMNS)
    for given in (flows.select(slice(0, 100)), flows.select(slice(100, None))):
        table.add(frame(given).select(sorted(table.columns)))
    rows = table.finish()
    merged = concatenate([found for _, found in expected])
    whole = frame(merged).with_columns(
        pl.Series(BIN, [start for start, found in expected for _ in range(len(found))]),
        pl.col("protocol").alias("proto"),
    )
    for name in ("src_packets", "src_bytes", "dst_bytes", "src_app_bytes", "src_first", "dst_last", "syn_ack_time"):
        assert rows[name].to_list() == whole.sort(BIN, "proto")[name].to_list(), name


def test_bins_that_become_too_many_are_put_together() -> None:
    flows = batch()
    flows.records["src_first"][-1] = flows.records["src_last"][-1] = NOW + 30 * 86_400 * SECOND
    flows.records["src_packets"][-1] = 1
    table = BinTable(None, [], ["src_bytes"])
    for place in range(0, len(flows), 50):
        table.add(frame(flows.select(slice(place, place + 50))))
    rows = table.finish()
    assert 1 < rows.height < 600
    assert table.size.length == 86_400 * SECOND
    assert rows["src_bytes"].sum() == int(flows.records["src_bytes"].sum())


def test_a_size_that_makes_too_many_bins_is_refused() -> None:
    flows = batch()
    flows.records["src_last"][:] = NOW + 400 * 86_400 * SECOND
    flows.records["src_packets"][:] = 5
    table = BinTable(bin_size("1s"), [], ["src_bytes"])
    with pytest.raises(UsageError, match="more than 4194304 bins"):
        table.add(frame(flows))
