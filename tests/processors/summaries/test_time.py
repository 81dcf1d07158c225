"""What pages draw over time is spread over bins as rabins spreads it, and what all bins have is the whole."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.bins import bin_size
from processors.bins.split import split
from processors.summaries.sums_kernel import (
    DST_BYTES,
    DST_PACKETS,
    FLOWS,
    LATENCIES,
    LOST,
    SRC_BYTES,
    SRC_PACKETS,
    SUMS,
)
from processors.summaries.time_kernel import add_up_in_time
from processors.summaries.warm import fixed
from topics.batch import FlowBatch, records_like

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
COUNTERS = {"src_packets": SRC_PACKETS, "dst_packets": DST_PACKETS, "src_bytes": SRC_BYTES, "dst_bytes": DST_BYTES}
Flow = tuple[int, int, int, int, int, int]  # start and end from START on (ns), COUNTERS
Numbers = np.ndarray[Any, Any]

instants = st.integers(0, 100 * SECOND) | st.sampled_from([0, 10 * SECOND, 20 * SECOND])
counts = st.integers(1, 50) | st.integers(1, 2**32 - 1)
flows = st.tuples(instants, instants, counts, counts, counts, counts).map(lambda each: (*sorted(each[:2]), *each[2:]))


def in_time(chosen: list[Flow], first: int, step: int, bins: int) -> Numbers:
    """Return the sums of bins from `first` ns after START on; each flow lost one packet in ten."""
    start, end = (fixed(np.array([START + each[place] for each in chosen])) for place in (0, 1))
    counters = [fixed(np.array([each[place] for each in chosen], np.uint32)) for place in range(2, 6)]
    lost = fixed((counters[0] // 10).astype(np.uint32))
    sums, latencies = np.zeros((1, bins, SUMS), np.int64), np.zeros((1, bins, LATENCIES))
    everything, latency = fixed(np.zeros(0, np.bool_)), fixed(np.zeros(len(chosen), np.float32))
    code, place = fixed(np.zeros(1, np.uint32)), np.zeros(1, np.int64)
    arguments: list[Any] = [code, place, start, end, START + first, step, everything, *counters, lost, latency]
    arguments += [sums, latencies]
    add_up_in_time(*arguments)
    found: Numbers = sums[0]
    return found


def records(chosen: list[Flow]) -> FlowBatch:
    found = records_like(len(chosen))
    for row, each in enumerate(chosen):
        for side in ("src", "dst"):
            found[f"{side}_first"][row], found[f"{side}_last"][row] = START + each[0], START + each[1]
        for name, count in zip(COUNTERS, each[2:], strict=True):
            found[name][row] = count
    return FlowBatch(records=found)


@settings(deadline=None)
@given(st.lists(flows, min_size=1, max_size=5), st.sampled_from([1, 10]))
def test_bins_have_what_rabins_gives_them(chosen: list[Flow], seconds: int) -> None:
    found = in_time(chosen, 0, seconds * SECOND, 101 // seconds + 1)
    pieces, starts = split(records(chosen), bin_size(f"{seconds}s"))
    expected = np.zeros_like(found)
    for name, place in COUNTERS.items():
        np.add.at(expected[:, place], (starts - START) // (seconds * SECOND), pieces.records[name].astype(np.int64))
    for place in COUNTERS.values():
        assert found[:, place].tolist() == expected[:, place].tolist()
    assert found[:, LOST].sum() == sum(each[2] // 10 for each in chosen)
    assert found[:, FLOWS].sum() == len(chosen)


@settings(deadline=None)
@given(st.lists(flows, min_size=1, max_size=5), st.integers(0, 9), st.integers(1, 5))
def test_a_part_of_the_time_has_the_same_bins(chosen: list[Flow], first: int, bins: int) -> None:
    whole, some = in_time(chosen, 0, 10 * SECOND, 11), in_time(chosen, first * 10 * SECOND, 10 * SECOND, bins)
    shown = whole[first : first + bins]
    assert some[: len(shown), 1:].tolist() == shown[:, 1:].tolist()
    assert some[len(shown) :, 1:].sum() == 0


def test_bytes_without_packets_count_where_their_flow_begins() -> None:
    found = in_time([(5 * SECOND, 25 * SECOND, 0, 3, 700, 300)], 0, 10 * SECOND, 3)
    assert found[:, SRC_BYTES].tolist() == [700, 0, 0]
    assert found[:, DST_PACKETS].tolist() == [1, 1, 1]
