"""Reading the input again from any offset that may be acknowledged gives each flow once, whatever came out before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.merge import FlowMerge, MergedFlows
from processors.merge.recovery import offset_of, position, position_of
from tests.processors.merge import model
from tests.processors.merge.generated import Plan, cuts, plans, status_batch
from tests.processors.merge.test_stream import end, tcp, udp
from topics.compiled import kernel
from topics.flags import TcpState

if TYPE_CHECKING:
    from topics.batch import FlowBatch


@dataclass
class Run:
    """A merge of messages, the n-th at offset n: what came out with each, and the offset to go back to after it."""

    out: list[list[MergedFlows]]
    lowest: list[int]

    @classmethod
    def of(cls, merge: FlowMerge, messages: list[FlowBatch], start: int = 0) -> Run:
        out, lowest = [], []
        for offset in range(start, len(messages)):
            out.append(merge.process(messages[offset], offset))
            oldest = merge.lowest_offset()
            lowest.append(offset + 1 if oldest is None else oldest)
        return cls(out, lowest)


def flows(out: list[list[MergedFlows]]) -> list[str]:
    return sorted(repr(record) for batches in out for batch in batches for record in model.records_of(batch))


def messages(plan: Plan, places: list[int]) -> list[FlowBatch]:
    batch = status_batch(plan)
    return [*cuts(batch, places), end(batch)]


@settings(max_examples=120, deadline=None)
@given(plans, st.lists(st.integers(0, 60), max_size=12), st.data())
def test_a_restart_at_any_time_changes_nothing(plan: Plan, places: list[int], data: st.DataObject) -> None:
    """The worker dies after message `died`; of the output, `kept` batches had been confirmed, in order."""
    sent = messages(plan, places)
    calm = Run.of(FlowMerge(), sent)
    died = data.draw(st.integers(0, len(sent) - 1))
    put_out = [batch for batches in calm.out[: died + 1] for batch in batches]
    kept = put_out[: data.draw(st.integers(0, len(put_out)))]
    ends = np.cumsum([len(batches) for batches in calm.out[: died + 1]])
    allowed = [0, *(lowest for lowest, count in zip(calm.lowest, ends, strict=False) if count <= len(kept))]
    start = data.draw(st.integers(0, max(allowed)))

    again = FlowMerge()
    for batch in kept:
        again.recovered(batch, batch.last_positions)
    replayed = Run.of(again, sent, start)
    assert flows([kept, *replayed.out]) == flows(calm.out)


def test_a_message_that_ends_one_flow_and_begins_the_next_is_read_again_in_part() -> None:
    closed = TcpState.SYN | TcpState.NORMAL_CLOSE
    batch = tcp(0, 1, 2, states=(closed, TcpState.SYN, TcpState.ESTABLISHED), sequence=(0, 0, 1))
    merge = FlowMerge()
    (first,) = merge.process(batch, 7)
    assert [int(count) for count in first.records["records"]] == [1]
    assert merge.lowest_offset() == 7

    again = FlowMerge()
    again.recovered(first, first.last_positions)
    assert again.process(batch, 7) == []
    (second,) = again.process(end(batch), 8)
    assert [int(count) for count in second.records["records"]] == [2]
    assert again.counters["skipped"] == 1


def test_records_of_the_other_direction_are_known_too() -> None:
    batch = udp(0, 1)
    batch.records["src_port"], batch.records["dst_port"] = [1, 2], [2, 1]
    merge = FlowMerge()
    merge.process(batch, 3)
    (flow,) = merge.flush()
    assert flow.records["records"].tolist() == [2]

    again = FlowMerge()
    again.recovered(flow, flow.last_positions)
    assert again.process(batch, 3) == []
    assert again.counters["skipped"] == 2
    assert again.flush() == []


def test_what_was_recovered_for_another_source_does_not_count() -> None:
    batch = udp(0)
    again = FlowMerge()
    merge = FlowMerge()
    merge.process(batch, 3)
    (flow,) = merge.flush()
    again.recovered(flow.replace(boot_id=99), flow.last_positions)
    again.process(batch, 3)
    assert again.counters["skipped"] == 0


def test_the_same_flows_may_be_recovered_many_times() -> None:
    batch = udp(*range(0, 900, 10))
    merge = FlowMerge()
    (flow,) = merge.process(batch, 0)
    again = FlowMerge()
    for part in (slice(None), slice(0, 1), slice(None)):
        again.recovered(flow.select(part), flow.last_positions[part])
    again.process(batch, 0)
    assert again.counters["skipped"] == 60


def test_many_conversations_are_remembered() -> None:
    merge, again, count = FlowMerge(), FlowMerge(), 5000
    batch = udp(*[0] * count)
    batch.records["src_port"], batch.records["dst_port"] = range(count), 9
    merge.process(batch, 1)
    for flow in merge.flush():
        for row in range(0, count, 1000):
            part = flow.select(slice(row, row + 1000))
            again.recovered(part, flow.last_positions[row : row + 1000])
    again.process(batch, 1)
    assert again.counters["skipped"] == count


@kernel
def place_of(first: Any, row: Any) -> Any:  # Python cannot call what is inlined
    return position_of(first, row)


@pytest.mark.parametrize("offset", [0, 1, 2**40])
def test_positions_order_rows_within_offsets(offset: int) -> None:
    first = position(offset)
    places = [place_of(first, row) for row in (0, 1, 2**20 - 1)] + [position(offset + 1)]
    assert places == sorted(set(places))
    assert [offset_of(place) for place in places] == [offset, offset, offset, offset + 1]
    assert place_of(first, 2**21) == places[2]
