from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from probes.flows.probe import FlowProbe, ProbeSettings, Timeouts
from tests.probes.observed import CLIENT, SECOND, SERVER, START, TimedFrame, block, observed
from tests.traffic.packets import tcp_frame, udp_frame
from topics.batch import concatenate
from topics.flags import Cause

if TYPE_CHECKING:
    from topics.batch import Records

C, S = (CLIENT, SERVER, 40000, 80), (SERVER, CLIENT, 80, 40000)


def opening(at: float = 0.0, sequence: int = 1000) -> list[TimedFrame]:
    return [
        (at, tcp_frame(*C, flags="S", sequence=sequence)),
        (at + 0.01, tcp_frame(*S, flags="SA", sequence=5000, acknowledgement=sequence + 1)),
        (at + 0.02, tcp_frame(*C, flags="A", sequence=sequence + 1, acknowledgement=5001)),
    ]


def closing(at: float, sequence: int = 1001) -> list[TimedFrame]:
    return [
        (at, tcp_frame(*C, flags="FA", sequence=sequence, acknowledgement=5001)),
        (at + 0.01, tcp_frame(*S, flags="FA", sequence=5001, acknowledgement=sequence + 1)),
        (at + 0.02, tcp_frame(*C, flags="A", sequence=sequence + 1, acknowledgement=5002)),
    ]


RESET = tcp_frame(*S, flags="R", sequence=5001)
PASSING = udp_frame("10.9.9.9", "10.9.9.8", 1, 2)  # another flow, which moves the clock


def causes(records: Records, protocol: int = 6) -> list[int]:
    return [int(each) for each in records[records["protocol"] == protocol]["cause"]]


def first_batch(frames: list[TimedFrame], **settings: Any) -> Records:
    """What is reported by the time of the last frame, the run going on."""
    probe = FlowProbe(ProbeSettings(**settings))
    return concatenate([*probe.observe(block(frames)), *probe.due()]).records


def test_a_connection_is_reported_as_it_closes() -> None:
    records = first_batch(opening() + closing(0.5))
    assert causes(records) == [Cause.CLOSE]
    assert (records[0]["src_packets"], records[0]["dst_packets"]) == (4, 2)
    assert records[0]["src_last"] == START + 520_000_000


def test_half_a_close_is_none() -> None:
    assert len(first_batch((opening() + closing(0.5))[:-1])) == 0


@pytest.mark.parametrize("side", [C, S])
def test_a_reset_is_a_close(side: tuple[str, str, int, int]) -> None:
    reset = (0.5, tcp_frame(*side, flags="R", sequence=1001))
    assert causes(first_batch([*opening(), reset])) == [Cause.CLOSE]


def test_a_refused_connection_is_reported_at_once() -> None:
    refused = tcp_frame(*S, flags="RA", acknowledgement=1001)
    assert causes(first_batch([opening()[0], (0.01, refused)])) == [Cause.CLOSE]


def test_what_trails_behind_a_close_is_reported_once_the_interval_is_over() -> None:
    trailing = [(0.6, RESET), (0.7, RESET)]
    frames = opening() + closing(0.5) + trailing
    assert causes(first_batch(frames)) == [Cause.CLOSE]
    records = first_batch([*frames, (20.0, PASSING)])
    assert causes(records) == [Cause.CLOSE, Cause.CLOSE]
    assert records["dst_packets"].tolist() == [2, 2]
    assert records["status_sequence"].tolist() == [0, 1]
    assert len({each.tobytes() for each in records["flow_id"]}) == 1


def test_nothing_that_trails_is_no_record() -> None:
    assert causes(first_batch([*opening(), *closing(0.5), (60.0, PASSING)])) == [Cause.CLOSE]


def test_ports_used_again_at_once_begin_a_new_flow() -> None:
    records = observed(opening() + closing(0.5) + opening(0.6, 70000) + closing(0.9, 70001))
    assert causes(records) == [Cause.CLOSE, Cause.CLOSE]
    assert records["src_packets"].tolist() == [4, 4]
    assert len({each.tobytes() for each in records["flow_id"]}) == 2


def test_trailing_packets_are_reported_before_their_ports_are_used_again() -> None:
    records = observed([*opening(), *closing(0.5), (0.6, RESET), *opening(0.7, 70000)])
    assert causes(records) == [Cause.CLOSE, Cause.REUSE, Cause.SHUTDOWN]
    assert records["dst_packets"].tolist() == [2, 1, 1]


def test_a_close_is_reported_with_its_interval_when_asked_so() -> None:
    frames = opening() + closing(0.5)
    assert len(first_batch(frames, early_close=False)) == 0
    records = first_batch([*frames, (4.9, RESET), (5.1, PASSING)], early_close=False)
    assert causes(records) == [Cause.CLOSE]
    assert records["dst_packets"].tolist() == [3]


def test_start_records_come_with_the_first_packet() -> None:
    probe = FlowProbe(ProbeSettings(start_records=True))
    early = concatenate([*probe.observe(block([(0, udp_frame(*C)), (0.1, udp_frame(*C))])), *probe.due()]).records
    assert [(int(each["cause"]), int(each["src_packets"])) for each in early] == [(Cause.START, 1)]
    rest = concatenate(probe.flush()).records
    assert [(int(each["cause"]), int(each["src_packets"])) for each in rest] == [(Cause.SHUTDOWN, 1)]
    assert rest["status_sequence"].tolist() == [1]


def test_a_connection_of_one_packet_has_its_start_record_or_its_close() -> None:
    records = observed([(0, tcp_frame(*C, flags="S", sequence=9)), (0.1, RESET)], start_records=True)
    assert causes(records) == [Cause.START, Cause.CLOSE]
    assert records["src_packets"].sum() + records["dst_packets"].sum() == 2
    alone = observed([(0, RESET)], start_records=True)
    assert causes(alone) == [Cause.CLOSE]
    assert alone["src_packets"].tolist() == [1]


@pytest.mark.parametrize("settings", [{}, {"early_close": False}, {"start_records": True}])
@pytest.mark.parametrize("interval", [0.001, 0.5, 5])
def test_every_packet_is_in_one_record(settings: dict[str, Any], interval: float) -> None:
    frames = opening() + closing(0.5) + [(0.55, RESET)] + opening(0.6, 70000) + [(9.0, RESET), (30.0, RESET)]
    records = observed(frames, status_interval=round(interval * SECOND), **settings)
    assert records["src_packets"].sum() + records["dst_packets"].sum() == len(frames)
    assert records["src_bytes"].sum() + records["dst_bytes"].sum() == sum(len(each) for _, each in frames)
    for flow in np.unique(records["flow_id"], axis=0):
        mine = records[(records["flow_id"] == flow).all(axis=1)]
        assert mine["status_sequence"].tolist() == list(range(len(mine)))


def test_time_alone_lets_records_out() -> None:
    probe = FlowProbe()
    assert list(probe.observe(block([(0, udp_frame(*C))]))) == []
    assert [*probe.advance(START + 4 * SECOND), *probe.due()] == []
    records = concatenate([*probe.advance(START + 5 * SECOND), *probe.due()]).records
    assert records["cause"].tolist() == [Cause.START]
    assert probe.clock == START + 5 * SECOND


def test_time_alone_forgets_idle_flows_and_never_goes_back() -> None:
    probe = FlowProbe()
    list(probe.observe(block([(0, udp_frame(*C))])))
    list(probe.advance(START + 5 * SECOND))
    assert probe.active_flows == 1
    list(probe.advance(START + 45 * SECOND))
    assert probe.active_flows == 0
    list(probe.advance(START))
    assert probe.clock == START + 45 * SECOND


def test_time_let_in_between_changes_no_record() -> None:
    frames = [(n * 1.7, udp_frame(*C, b"x" * n)) for n in range(30)]
    probe = FlowProbe()
    batches = []
    for time, each in frames:
        batches += [*probe.observe(block([(time, each)])), *probe.advance(START + round(time * SECOND)), *probe.due()]
    assert concatenate([*batches, *probe.flush()]).records.tobytes() == observed(frames).tobytes()


def test_timeouts_are_those_asked_for() -> None:
    frames = [(0, udp_frame(*C)), (3, udp_frame(*C))]
    flows = {
        limit: len({each.tobytes() for each in observed(frames, timeouts=Timeouts(other=limit * SECOND))["flow_id"]})
        for limit in (2, 4)
    }
    assert flows == {2: 2, 4: 1}


def host(number: int) -> bytes:
    return udp_frame(f"10.3.{number >> 8}.{number & 255}", SERVER, 1000, 2000)


def test_a_full_table_gives_up_the_flows_not_seen_for_longest() -> None:
    size = 4096
    probe = FlowProbe(ProbeSettings(max_flows=size, status_interval=3600 * SECOND))
    old = [(n * 1e-6, host(n)) for n in range(size)]
    kept = range(0, size, 2)
    again = [(0.01 + n * 1e-6, host(n)) for n in kept]
    newcomer = (0.02, host(size))
    batches = list(probe.observe(block([*old, *again, newcomer])))
    records = concatenate(batches).records
    assert probe.counts()["evicted"] == size // 4
    assert (records["cause"] == Cause.EVICTED).all()
    before = probe.counts()["flows"]
    list(probe.observe(block([(0.03, host(n)) for n in kept])))
    assert probe.counts()["flows"] == before  # those that were seen again are still known


@pytest.mark.parametrize("size", [1000, 4096])
def test_eviction_loses_no_packet(size: int) -> None:
    probe = FlowProbe(ProbeSettings(max_flows=size))
    frames = [(n * 1e-5, host(n * 7 % 9001)) for n in range(3 * size)]
    records = concatenate([*probe.observe(block(frames)), *probe.flush()]).records
    assert records["src_packets"].sum() == len(frames)
    assert probe.counts()["evicted"] > 0
    assert probe.active_flows <= size
