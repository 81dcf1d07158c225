"""FlowMerge against the model of segmentation, and its promises: any cut, any order of sources, nothing lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.merge import FlowMerge, MergedFlows, MergeSettings
from tests.processors.merge import model
from tests.processors.merge.generated import EPOCH, INTERVAL, SECOND, Plan, cuts, plans, status_batch
from tests.processors.merge.totals import totals
from topics.batch import END_OF_RUN, FlowBatch, concatenate, records_like
from topics.errors import SettingsError
from topics.flags import TcpState

if TYPE_CHECKING:
    from collections.abc import Iterable

TCP, UDP = 6, 17


def end(batch: FlowBatch) -> FlowBatch:
    return batch.select(slice(0)).replace(watermark=END_OF_RUN)


def heartbeat(batch: FlowBatch, watermark: int) -> FlowBatch:
    return batch.select(slice(0)).replace(watermark=watermark)


def flows_of(batches: Iterable[FlowBatch], merge: FlowMerge | None = None) -> list[model.Record]:
    """What comes out of all batches, in order."""
    merge = merge or FlowMerge()
    return [
        record
        for offset, batch in enumerate(batches)
        for flows in merge.process(batch, offset)
        for record in model.records_of(flows)
    ]


def sorted_flows(flows: Iterable[model.Record]) -> list[model.Record]:
    """In an order that does not depend on when they came out; floats to twelve digits."""
    rounded = [
        {name: float(f"{value:.11e}") if isinstance(value, float) else value for name, value in flow.items()}
        for flow in flows
    ]
    return sorted(rounded, key=repr)


def udp(*seconds: float, packets: int = 1, port: int = 1) -> FlowBatch:
    """Records of one packet each at these times after EPOCH, of one conversation."""
    records = records_like(len(seconds))
    records["ethertype"], records["protocol"], records["src_port"] = 0x0800, UDP, port
    times = EPOCH + (np.array(seconds) * SECOND).astype(np.int64)
    for name in ("src_first", "src_last", "flow_start"):
        records[name] = times
    records["src_packets"] = packets
    records["status_sequence"] = np.arange(len(seconds))
    return FlowBatch(records, site="s", probe="p", boot_id=1, status_interval=INTERVAL)


def tcp(*seconds: float, states: tuple[int, ...], sequence: tuple[int, ...]) -> FlowBatch:
    batch = udp(*seconds)
    batch.records["protocol"] = TCP
    batch.records["tcp_state"], batch.records["status_sequence"] = states, sequence
    return batch


def starts(flows: Iterable[model.Record]) -> list[float]:
    return [(model.first_packet(flow) - EPOCH) / SECOND for flow in flows]


@settings(max_examples=120, deadline=None)
@given(plans)
def test_flows_are_those_of_the_model(plan: Plan) -> None:
    batch = status_batch(plan)
    expected = model.Stream()
    for piece in (batch, end(batch)):
        expected.take(piece)
    merge = FlowMerge()
    assert sorted_flows(flows_of([batch, end(batch)], merge)) == sorted_flows(expected.done)
    assert merge.counters["late"] == 0
    assert merge.lowest_offset() is None


@settings(max_examples=60, deadline=None)
@given(plans, st.lists(st.integers(0, 100), max_size=8))
def test_cutting_the_input_differently_changes_nothing(plan: Plan, places: list[int]) -> None:
    batch = status_batch(plan)
    whole = flows_of([batch, end(batch)])
    assert flows_of([*cuts(batch, places), end(batch)]) == whole
    assert flows_of([*(batch.select([row]) for row in range(len(batch))), end(batch)]) == whole


@settings(max_examples=60, deadline=None)
@given(plans, st.permutations(range(60)))
def test_nothing_is_lost_in_any_order_of_records(plan: Plan, order: list[int]) -> None:
    """Late records are counted and merged; the sums stay."""
    batch = status_batch(plan)
    shuffled = batch.select(np.array([row for row in order if row < len(batch)], np.int64))
    merge = FlowMerge()
    flows = [flows for batch in (shuffled, end(batch)) for flows in merge.process(batch)]
    assert totals(flows) == totals([batch])
    assert merge.counters["records"] == len(batch)
    assert merge.counters["flows"] == sum(len(part) for part in flows)
    assert merge.live_flows == 0


@settings(max_examples=30, deadline=None)
@given(plans, plans, st.randoms())
def test_sources_do_not_touch_each_other(one: Plan, other: Plan, random: Any) -> None:
    first, second = status_batch(one), status_batch(other).replace(boot_id=2)
    queues = [[*cuts(batch, [10, 20, 30]), end(batch)] for batch in (first, second)]
    apart = [flows_of(queue) for queue in queues]
    mixed = []
    while any(queues):
        mixed.append(random.choice([queue for queue in queues if queue]).pop(0))
    merge = FlowMerge()
    found: dict[int, list[model.Record]] = {1: [], 2: []}
    for batch in mixed:
        for flows in merge.process(batch):
            found[flows.boot_id] += model.records_of(flows)
    assert [found[1], found[2]] == apart


@settings(max_examples=40, deadline=None)
@given(plans, st.integers(1, 5))
def test_the_bound_of_flows_holds_and_loses_nothing(plan: Plan, maximum: int) -> None:
    batch = status_batch(plan)
    merge, flows = FlowMerge(MergeSettings(maximum_flows=maximum)), []
    for piece in (*cuts(batch, [7, 19, 33]), end(batch)):
        flows += merge.process(piece)
        assert merge.live_flows <= maximum
    assert sum(len(part) for part in flows) == merge.counters["flows"]
    assert totals(flows) == totals([batch])


def test_a_flow_ends_when_it_was_idle_too_long() -> None:
    batch = udp(0, 29, 59, 90)
    assert starts(flows_of([batch, end(batch)])) == [0, 90]
    assert [flow["src_packets"] for flow in flows_of([batch, end(batch)])] == [3, 1]


def test_the_idle_timeout_is_never_less_than_two_status_intervals() -> None:
    batch = udp(0, 8, 19)
    merge = FlowMerge(MergeSettings(other_idle_timeout=1))
    assert starts(flows_of([batch, end(batch)], merge)) == [0, 19]


def test_a_long_flow_is_cut_at_the_active_timeout() -> None:
    batch = udp(*range(0, 700, 10))
    flows = flows_of([batch, end(batch)])
    assert starts(flows) == [0, 300, 600]
    assert [flow["src_packets"] for flow in flows] == [30, 30, 10]


def test_the_identity_of_a_flow_is_that_of_its_first_record() -> None:
    batch = udp(*range(0, 700, 10))
    flows = flows_of([batch, end(batch)])
    assert [flow["status_sequence"] for flow in flows] == [0, 30, 60]


OPEN, OPENED, CLOSED = TcpState.SYN, TcpState.SYN | TcpState.ESTABLISHED, TcpState.SYN | TcpState.NORMAL_CLOSE


def test_a_new_connection_on_the_same_ports_is_a_new_flow() -> None:
    batch = tcp(0, 1, states=(CLOSED, OPEN), sequence=(0, 0))
    assert starts(flows_of([batch, end(batch)])) == [0, 1]


def test_later_records_of_a_closed_connection_stay_in_it_although_their_state_repeats_the_syn() -> None:
    batch = tcp(0, 5, 14, states=(CLOSED, CLOSED, CLOSED), sequence=(0, 1, 2))
    assert starts(flows_of([batch, end(batch)])) == [0]


def test_a_closed_connection_lingers_for_ten_seconds() -> None:
    batch = tcp(0, 11, states=(CLOSED, TcpState.ESTABLISHED), sequence=(0, 1))
    assert starts(flows_of([batch, end(batch)])) == [0, 11]


def test_an_open_connection_goes_on_for_a_minute() -> None:
    batch = tcp(0, 59, 120, states=(OPENED,) * 3, sequence=(0, 1, 2))
    assert starts(flows_of([batch, end(batch)])) == [0, 120]


def test_connections_opened_from_both_ends_are_two_flows() -> None:
    batch = concatenate([tcp(0, states=(OPEN,), sequence=(0,)), tcp(1, states=(OPEN,), sequence=(0,))])
    batch.records["src_port"], batch.records["dst_port"] = [5, 7], [7, 5]
    assert [flow["src_port"] for flow in flows_of([batch, end(batch)])] == [5, 7]


def test_observation_points_are_kept_apart() -> None:
    batch = udp(0, 1)
    batch.records["observer"] = [1, 2]
    assert len(flows_of([batch, end(batch)])) == 2


@pytest.mark.parametrize(("watermark", "out"), [(29.9, 0), (30.2, 1)])
def test_a_flow_comes_out_as_soon_as_the_watermark_has_passed_its_deadline(watermark: float, out: int) -> None:
    batch = udp(0)
    merge = FlowMerge()
    assert merge.process(batch) == []
    flows = merge.process(heartbeat(batch, EPOCH + int(watermark * SECOND)))
    assert sum(map(len, flows)) == out
    assert merge.live_flows == 1 - out


def test_records_of_others_move_the_watermark_too() -> None:
    merge = FlowMerge()
    assert merge.process(udp(0)) == []
    assert merge.process(udp(35.0, port=2)) == []  # the watermark is at 30
    assert [len(flows) for flows in merge.process(udp(35.3, port=2))] == [1]


def test_a_closed_connection_comes_out_after_it_lingered() -> None:
    batch = tcp(0, 1, states=(OPENED, CLOSED), sequence=(0, 1))
    merge = FlowMerge()
    assert merge.process(batch) == []
    assert sum(map(len, merge.process(heartbeat(batch, EPOCH + 11 * SECOND - 1)))) == 0
    assert sum(map(len, merge.process(heartbeat(batch, EPOCH + 12 * SECOND)))) == 1


def test_a_clock_that_leaps_costs_no_time_and_loses_nothing() -> None:
    """From the epoch to the end of time, back and forth: each flow comes out, in order of what it was due."""
    seconds = [0.0, 1e6, 2e6, 7e9, 7.4e9]
    batch = udp(*seconds)
    batch.records["src_port"] = np.arange(len(seconds))
    assert starts(flows_of([batch, end(batch)])) == seconds
    backwards = batch.select(slice(None, None, -1))
    merge = FlowMerge()
    assert sorted(starts(flows_of([backwards, end(batch)], merge))) == seconds
    assert merge.counters["late"] == 4


def test_records_without_packets_are_flows_of_their_own() -> None:
    """They tell no time, so they can neither join a flow nor be joined, whenever they come."""
    batch = udp(0, 1, 2, 3)
    for name in ("src_first", "src_last", "src_packets"):
        batch.records[name][1:3] = 0
    assert [flow["status_sequence"] for flow in flows_of([batch, end(batch)])] == [0, 1, 2, 3]


def test_a_source_may_be_completed_from_outside() -> None:
    merge = FlowMerge()
    merge.process(udp(0))
    merge.process(udp(0).replace(boot_id=2))
    assert set(merge.sources) == {("s", "p", 1), ("s", "p", 2)}
    assert [flows.boot_id for flows in merge.flush(("s", "p", 1))] == [1]
    assert [flows.boot_id for flows in merge.flush()] == [2]
    assert merge.flush() == []
    assert merge.sources == {}


def test_the_number_of_sources_is_bounded() -> None:
    merge = FlowMerge(MergeSettings(maximum_sources=2))
    out = [flows.boot_id for run in range(4) for flows in merge.process(udp(0).replace(boot_id=run))]
    assert out == [0, 1]
    assert len(merge.sources) == 2


def test_lowest_offset_is_that_of_the_flow_that_began_first() -> None:
    merge = FlowMerge()
    assert merge.lowest_offset() is None
    for offset, second in enumerate((0, 10, 25, 50, 61)):
        merge.process(udp(second, port=second), offset)
    assert merge.lowest_offset() == 3  # the first three are out
    merge.process(udp(0, port=9).replace(boot_id=7), 5)
    assert merge.lowest_offset() == 3
    merge.flush(("s", "p", 1))
    assert merge.lowest_offset() == 5


def test_last_positions_grow_with_the_input() -> None:
    merge = FlowMerge()
    batch = udp(0, 1, 2)
    batch.records["src_port"] = [1, 2, 1]
    merge.process(batch, 10)
    flows = merge.process(end(batch), 11)[0]
    assert isinstance(flows, MergedFlows)
    assert flows.records["src_port"].tolist() == [1, 2]
    assert (flows.last_positions >> 20).tolist() == [10, 10]
    assert np.diff(flows.last_positions).tolist() == [-1]


def test_observers_travel_with_the_flows() -> None:
    batch = status_batch(Plan(seed=11, count=30, kinds=(2,)))
    flows = FlowMerge()
    out = [*flows.process(batch), *flows.flush()]
    assert all(part.observers == batch.observers and (part.site, part.probe) == ("s", "p") for part in out)


def test_a_negative_or_huge_status_interval_is_bounded() -> None:
    for interval in (-(2**63), 2**63 - 1):
        batch = udp(0, 50, 10**6).replace(status_interval=interval)
        merge = FlowMerge()
        assert sum(flow["src_packets"] for flow in flows_of([batch, end(batch)], merge)) == 3


@pytest.mark.parametrize("name", ["idle_timeout", "active_timeout", "close_linger", "maximum_flows"])
def test_a_setting_that_makes_no_sense_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"merge setting {name} must be positive, not 0"):
        MergeSettings(**{name: 0})
