import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.bins import Series, bin_size
from processors.bins.split import split
from processors.merge import Aggregation
from tests.local_time import local_time
from topics.batch import FlowBatch, concatenate, records_like
from topics.errors import UsageError
from topics.histograms import COUNTS, SIZES, counts_of
from topics.schema import flow_fields

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SUMS = [field.name for field in flow_fields() if field.merge == "sum" and field.name.startswith(("src_", "dst_"))]


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with local_time(monkeypatch, "Europe/Berlin"):
        yield


def record(first: int, last: int, packets: tuple[int, int] = (10, 10), octets: int = 1000) -> FlowBatch:
    records = records_like(1)
    for side, count in zip(("src", "dst"), packets, strict=True):
        if count:
            records[f"{side}_first"], records[f"{side}_last"] = START + first, START + last
        records[f"{side}_packets"], records[f"{side}_bytes"] = count, octets * bool(count)
    return FlowBatch(records=records)


times = st.integers(0, 100 * SECOND)
counts = st.integers(0, 50) | st.integers(0, 2**40)
made = st.builds(
    lambda one, two, src, dst, octets: record(min(one, two), max(one, two), (src, max(dst, 1 - min(src, 1))), octets),
    times,
    times,
    counts,
    counts,
    st.integers(0, 2**50),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(made, min_size=1, max_size=5), st.sampled_from(["1s", "7s", "1m", "0.5s", "1d"]))
def test_pieces_add_up_to_their_record_and_lie_in_their_bins(batches: list[FlowBatch], size: str) -> None:
    whole = concatenate(batches)
    bins = bin_size(size)
    pieces, starts = split(whole, bins)
    for name in SUMS:
        if pieces.records[name].dtype == np.int64:
            assert pieces.records[name].astype(object).sum() == whole.records[name].astype(object).sum(), name
            assert (pieces.records[name] >= 0).all(), name
    ends = np.array([bins.next(start) for start in starts.tolist()])
    for side in ("src", "dst"):
        first, last = pieces.records[f"{side}_first"], pieces.records[f"{side}_last"]
        sent = pieces.records[f"{side}_packets"] > 0
        assert (pieces.records[f"{side}_packets"] >= 0).all()
        assert (first[sent] >= starts[sent]).all()
        assert (last[sent] <= ends[sent]).all()
        assert (first[sent] <= last[sent]).all()
    assert ((pieces.records["src_packets"] > 0) | (pieces.records["dst_packets"] > 0)).all()


def with_counts(batch: FlowBatch, counts: list[int]) -> FlowBatch:
    """The record with a histogram of the sizes of its source, behind an octet that nobody names."""
    vector = np.array(counts + [0] * (COUNTS - len(counts)), "<u4").tobytes()
    batch.records["src_histograms_offset"], batch.records["src_histograms_length"] = 1, len(vector)
    return batch.replace(heap=np.frombuffer(b"x" + vector, np.uint8))


def test_histograms_are_shared_like_packets_and_add_up() -> None:
    counts = [2**32 - 1, 7, 0, 3, 1]
    batch = with_counts(record(0, 35 * SECOND, (12, 4), 1000), counts)
    pieces, _ = split(batch, bin_size("10s"))
    shared = [counts_of(pieces.heap_value(row, "src_histograms"), SIZES) for row in range(len(pieces))]
    assert len(shared) == 4
    assert np.sum(shared, axis=0).tolist() == counts + [0] * 3
    assert [row[1] for row in shared] == [2, 2, 1, 2], "in proportion to packets sent by then: 4, 7, 10 and 12 of 12"
    assert not any(pieces.records["dst_histograms_length"])


def test_a_record_within_a_bin_keeps_its_histograms() -> None:
    both = concatenate([with_counts(record(0, 5 * SECOND), [1, 2]), with_counts(record(0, 15 * SECOND), [2, 2])])
    pieces, _ = split(both, bin_size("10s"))
    assert pieces.heap_value(0, "src_histograms") == both.heap_value(0, "src_histograms")
    merged = Aggregation()
    merged.add(pieces)
    assert counts_of(merged.finish().heap_value(0, "src_histograms"), SIZES)[:2] == [3, 4]


def test_two_packets_are_one_in_the_bin_of_each() -> None:
    pieces, starts = split(record(0, 25 * SECOND, (2, 0), 101), bin_size("10s"))
    assert ((starts - START) // SECOND).tolist() == [0, 20]
    assert pieces.records["src_packets"].tolist() == [1, 1]
    assert pieces.records["src_bytes"].tolist() == [50, 51]


def test_packets_are_spread_evenly() -> None:
    pieces, _ = split(record(0, 40 * SECOND - 1, (41, 0)), bin_size("10s"))
    assert pieces.records["src_packets"].tolist() == [11, 10, 10, 10]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("packets", [3_037_000_500, 10**10, 2**62, 2**63 - 1])
def test_counters_of_any_size_are_spread_evenly(packets: int) -> None:
    octets = min(packets // 2 * 3, 2**63 - 1)
    pieces, _ = split(record(0, 40 * SECOND - 1, (packets, 0), octets), bin_size("10s"))
    for name, total in (("src_packets", packets), ("src_bytes", octets)):
        shares = pieces.records[name].tolist()
        assert sum(shares) == total
        assert shares == pytest.approx([total / 4] * 4, rel=1e-9)


def test_days_begin_at_local_midnight() -> None:
    starts = bin_size("1d").starts(np.array([START, START + 86_400 * SECOND]))
    assert [time.localtime(start // SECOND)[3:6] for start in starts.tolist()] == [(0, 0, 0)] * 2
    month = bin_size("1M")
    assert time.localtime(int(month.starts(np.array([START]))[0]) // SECOND)[:3] == (2023, 11, 1)
    assert time.localtime(month.next(int(month.starts(np.array([START]))[0])) // SECOND)[:3] == (2023, 12, 1)


@pytest.mark.parametrize("text", ["0s", "", "10x", "-1s", "1.5d", "s"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        bin_size(text)


def series(**options: bool | int | None) -> list[tuple[int, FlowBatch]]:
    bins = Series(bin_size("10s"), lambda: Aggregation(["srcid"], capacity=16), **options)  # type: ignore[arg-type]
    made = [*bins.add(record(0, 15 * SECOND)), *bins.add(record(41 * SECOND, 41 * SECOND))]
    return [*made, *bins.finish()]


def test_each_bin_is_merged_by_itself() -> None:
    assert [(start - START) // SECOND for start, _ in series()] == [0, 10, 40]
    assert [len(batch) for _, batch in series()] == [1, 1, 1]


def test_empty_bins_and_hard_edges_when_asked() -> None:
    bins = series(zero=True, hard=True)
    assert [(start - START) // SECOND for start, _ in bins] == [0, 10, 20, 30, 40]
    assert bins[2][1].records["src_packets"].tolist() == [0]
    last = bins[4][1].records
    assert (last["src_first"][0], last["src_last"][0]) == (START + 40 * SECOND, START + 50 * SECOND)


def test_uncut_records_count_where_they_begin() -> None:
    bins = series(cut=False)
    assert [(start - START) // SECOND for start, _ in bins] == [0, 40]
    assert bins[0][1].records["src_packets"].tolist() == [10]


def test_bins_are_given_out_once_they_are_old_enough() -> None:
    held = Series(bin_size("10s"), lambda: Aggregation(["srcid"], capacity=16), hold=10 * SECOND)
    assert list(held.add(record(0, 5 * SECOND))) == []
    assert [(start - START) // SECOND for start, _ in held.add(record(20 * SECOND, 25 * SECOND))] == [0]


def test_records_without_packets_leave_no_bin_behind() -> None:
    series = Series(bin_size("1s"), Aggregation)
    records = records_like(1)
    records["src_first"], records["src_last"] = START, START + 5 * SECOND
    assert not [*series.add(FlowBatch(records=records)), *series.finish()]
