from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from probes.capture.replay import Replay
from probes.captures import CaptureSource
from tests.probes.hand_clock import HandClock
from tests.probes.observed import SECOND, START, block
from tests.traffic.packets import udp_frame
from tests.traffic.pcap import write_pcap

if TYPE_CHECKING:
    from pathlib import Path

    from probes.capture.packets import PacketBlock

MILLISECOND = 1_000_000
FRAME = udp_frame("10.0.0.1", "10.0.0.2", 1, 2)


def packets_at(*seconds: float) -> PacketBlock:
    return block([(second, FRAME) for second in seconds])


def replayed(blocks: list[PacketBlock], scale: float) -> list[tuple[float, float]]:
    """When each packet came out, and its own time, in seconds after the first."""
    clock = HandClock()
    begin, found = clock.now(), []
    for part in Replay(scale, clock).of(blocks):
        found += [((clock.now() - begin) / SECOND, (int(time) - START) / SECOND) for time in part.packets["time"]]
    return found


@pytest.mark.parametrize("scale", [0.25, 1, 60])
def test_packets_come_at_their_pace(scale: float) -> None:
    found = replayed([packets_at(0, 0.5, 1), packets_at(1.25, 30)], scale)
    assert [time for _, time in found] == [0, 0.5, 1, 1.25, 30]
    for came, time in found:
        assert time / scale <= came <= time / scale + 0.003


def test_packets_that_are_close_together_go_together() -> None:
    clock = HandClock()
    times = (np.arange(10_000) / 1_000_000).tolist()
    parts = list(Replay(1, clock).of([packets_at(*times)]))
    assert sum(len(part.packets) for part in parts) == 10_000
    assert len(parts) < 12


def test_packets_out_of_order_are_not_waited_for() -> None:
    assert [time for _, time in replayed([packets_at(0, 2, 1, 3)], 1)] == [0, 2, 1, 3]


def test_while_nothing_is_due_the_time_of_the_capture_is_told() -> None:
    clock = HandClock()
    begin = clock.now()
    ticks = [
        (part.now - START, 2 * (clock.now() - begin))
        for part in Replay(2, clock).of([packets_at(0, 10)])
        if not len(part.packets)
    ]
    assert len(ticks) >= 20
    assert all(told == passed for told, passed in ticks)
    assert max(clock.naps) <= 200 * MILLISECOND


def test_a_capture_that_begins_anew_earlier_is_not_given_at_once() -> None:
    found = replayed([packets_at(1000, 1001), packets_at(0, 1)], 1)
    assert [round(came) for came, _ in found] == [0, 1, 1, 2]


def test_stopping_ends_the_wait() -> None:
    replay = Replay(1, HandClock(lambda nap: replay.stop() if nap == 3 else None))
    assert sum(len(part.packets) for part in replay.of([packets_at(0, 3600), packets_at(7200)])) == 1


def test_a_capture_that_is_repeated_happens_now(tmp_path: Path) -> None:
    path = tmp_path / "two.pcap"
    write_pcap(path, [(START, FRAME), (START + 100 * SECOND, FRAME)])
    clock = HandClock()
    now = 1_900_000_000 * SECOND
    source = CaptureSource([str(path)], live=True, repeat=True, replay=Replay(10, clock, lambda: now + clock.now()))
    begin, times, told = clock.now(), list[int](), list[int]()
    for part in source:
        times += part.packets["time"].tolist()
        told += [part.now] * (not len(part.packets))
        if len(times) == 5:
            break
    assert [round((time - now - begin) / SECOND, 1) for time in times] == [0, 10, 10, 20, 20]
    assert told == sorted(told)
    assert all(now + begin < time <= times[-1] for time in told)


def test_a_capture_that_cannot_be_read_is_not_read_again(tmp_path: Path) -> None:
    source = CaptureSource([str(tmp_path / "none.pcap")], repeat=True)
    assert list(source) == []
    assert len(source.errors) == 1
