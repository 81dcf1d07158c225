"""Flows that are active: merged, with rates over a window, until they are idle."""

import pytest

from processors.activity import IDENTITY, IDLE, LOAD, RATE, ActiveFlows
from tests.clients.flows import SECOND, START, record
from topics.batch import FlowBatch
from topics.errors import UsageError

LATER = START + 10 * SECOND


def at(number: int, second: int, length: int = 2) -> FlowBatch:
    """A record of host `number` that begins `second` seconds into the run and lasts `length`."""
    made = record(number, 17, 53)
    for side in ("src", "dst"):
        made.records[f"{side}_first"] = START + second * SECOND
        made.records[f"{side}_last"] = START + (second + length) * SECOND
    return made


def flows(window: int = 10, idle: int = 60, most: int = 100) -> ActiveFlows:
    return ActiveFlows(window=window * SECOND, idle=idle * SECOND, most=most)


def test_records_of_a_flow_are_one_from_either_end() -> None:
    found = flows()
    back = at(2, 4)
    for name in ("address", "port", "packets", "bytes"):
        one, other = back.records[f"src_{name}"].copy(), back.records[f"dst_{name}"].copy()
        back.records[f"src_{name}"], back.records[f"dst_{name}"] = other, one
    for batch in (at(1, 0), at(2, 0), back):
        found.add(batch)
    found.advance(LATER)
    frame = found.frame({"src_bytes", "dst_bytes"}).sort("src_bytes")
    assert frame["src_bytes"].to_list() == [120, 480]
    assert len(found.records(int(frame[IDENTITY][1]))) == 2


def test_rates_are_those_of_the_part_within_the_window() -> None:
    found = flows(window=4)
    found.add(at(1, 0, length=8))  # 240 bytes and 4 packets in 8 seconds
    found.advance(START + 8 * SECOND)
    assert found.frame(()).select(LOAD, RATE).row(0) == (pytest.approx(240 * 8 / 8), pytest.approx(4 / 8))
    found.advance(START + 10 * SECOND)  # two seconds of it are left
    assert found.frame(()).select(LOAD, IDLE).row(0) == (pytest.approx(120), 2 * SECOND)
    found.advance(START + 12 * SECOND)
    assert found.frame(())[LOAD].to_list() == [0]


def test_flows_leave_when_they_are_idle_for_long() -> None:
    found = flows(idle=5)
    found.add(at(1, 0))
    found.add(at(2, 4))
    found.advance(START + 7 * SECOND)
    assert len(found) == 2
    found.advance(START + 8 * SECOND)
    assert found.frame({"src_bytes"})["src_bytes"].to_list() == [240]
    found.advance(START)  # time does not go back
    assert len(found) == 1


def test_no_more_flows_are_kept_than_there_may_be() -> None:
    found = flows(most=2)
    for number in (3, 1, 2):
        found.add(at(number, number))
    found.advance(LATER)
    assert sorted(found.frame({"src_bytes"})["src_bytes"].to_list()) == [240, 360]


@pytest.mark.parametrize(("keys", "count"), [(["dport"], 2), (["daddr"], 1), (["saddr/24", "proto"], 2), (["dir"], 2)])
def test_flows_are_grouped_anew_from_the_records_that_are_kept(keys: list[str], count: int) -> None:
    found = flows()
    for number in range(1, 5):
        made = record(number, *((17, 53) if number == 3 else (6, 80)))
        found.add(made)
    found.advance(LATER)
    assert len(found) == 4
    found.group(keys)
    found.advance(LATER)
    frame = found.frame({"src_packets"})
    assert (frame.height, frame["src_packets"].sum()) == (count, 8)
    assert (frame[LOAD] > 0).all()
    with pytest.raises(UsageError, match="unknown key 'dprot'"):
        found.group(["dprot"])
