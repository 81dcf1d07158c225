"""Flows of several probes as a stream of messages: judged in event time, and once, whatever happens to the worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from processors.engine.acknowledgement import Acknowledger
from processors.engine.batch_numbers import Unnumbered
from processors.engine.memory import Memory
from processors.engine.partition import PartitionMerge, conclusions, last_offset
from processors.observers import ObserverSettings, ObserverStream
from tests.processors.observers.test_match import labels, moved, seen
from topics.batch import FlowBatch, concatenate
from topics.bus import decode_message, encode_message
from topics.verdicts import FURTHER, PRIMARY

if TYPE_CHECKING:
    from topics.errors import DecodeError

SECOND = 1_000_000_000


@cache
def messages() -> tuple[bytes, ...]:
    """What two probes saw of 400 conversations in 800 s, 8 at a time; the second is 1.5 s ahead, and comes later."""
    random, waiting = np.random.default_rng(5), []
    for number in range(250):
        at = number * 2 * SECOND
        packets = int(random.integers(2, 30))
        for probe, share, clock, late in (("a", 0.9, 0, 0), ("b", 0.8, 1_500_000_000, 20 * SECOND)):
            if random.random() < share:
                flow = moved(seen(probe, number % 200 + 1, src_port=1000 + number, src_packets=packets), at + clock)
                flow.records["flow_id"][0, :4] = np.frombuffer(f"{probe}{number:03d}".encode(), np.uint8)
                waiting.append((at + late + int(random.integers(0, 40 * SECOND)), probe, flow))
    lots: list[FlowBatch] = []
    for probe in ("a", "b"):
        mine = [flow for _, name, flow in sorted(waiting, key=lambda each: each[0]) if name == probe]
        lots += [concatenate(mine[start : start + 8]) for start in range(0, len(mine), 8)]
    lots.sort(key=lambda lot: int(lot.records["src_first"].max()) + (20 * SECOND if lot.probe == "b" else 0))
    return tuple(encode_message(lot) for lot in lots)


@dataclass
class Log:
    """The output of a partition and the offset that was acknowledged; `cut` is how much of what is sent arrives."""

    values: list[tuple[bytes, dict[str, bytes]]] = field(default_factory=list)
    committed: int = 0
    begin: int = 0

    def worker(self, arrives: int) -> Worker:
        return Worker(self, arrives)


@dataclass
class Worker:
    """A worker that the power leaves after so many messages of output."""

    log: Log
    arrives: int

    def __post_init__(self) -> None:
        stage, known = ObserverStream(ObserverSettings()), []
        for number in range(self.log.begin, len(self.log.values)):
            value, headers = self.log.values[number]
            batch, positions = conclusions(value, headers, self.log.committed, decode_message)
            if len(batch):
                stage.recovered(batch, positions)
                known.append((number, last_offset(positions)))
        acknowledger = Acknowledger(len(self.log.values), known)
        self.next = self.log.committed
        self.partition = PartitionMerge(self.next, stage, acknowledger, self, memory=Memory(Unnumbered()))

    def decode(self, value: bytes) -> FlowBatch:
        return decode_message(value)

    def encode(self, batch: FlowBatch) -> bytes:
        return encode_message(batch)

    def send(self, value: bytes, headers: list[tuple[str, bytes]], confirm: object) -> None:
        if self.arrives > 0:
            self.arrives -= 1
            self.log.values.append((value, dict(headers)))
            confirm(len(self.log.values) - 1)  # type: ignore[operator]  # what the partition gave

    def refuse(self, offset: int, value: bytes, reason: DecodeError, confirm: object) -> None:
        raise AssertionError(reason)

    def work(self, until: int) -> None:
        """Process messages; mark and commit after every third."""
        for offset in range(self.next, until):
            self.partition.process(offset, messages()[offset], float(offset))
            if offset % 3 == 0:
                self.commit(float(offset))

    def commit(self, now: float) -> None:
        self.partition.mark(now)
        if (checkpoint := self.partition.checkpoint()) is not None:
            self.log.committed, self.log.begin = checkpoint.offset, checkpoint.output_offset

    def finish(self) -> None:
        self.work(len(messages()))
        self.commit(1e9)  # nobody is heard any more: all that waits is judged
        self.commit(1e9)


def flows(log: Log) -> FlowBatch:
    return concatenate(decode_message(value) for value, _ in log.values)


def check(out: FlowBatch) -> None:
    """Every flow once, and every conversation counted once."""
    given = concatenate(decode_message(value) for value in messages()).records["flow_id"][:, :4]
    assert sorted(each.tobytes() for each in out.records["flow_id"][:, :4]) == sorted(each.tobytes() for each in given)
    primary = out.records["src_port"][out.records["verdict"] == PRIMARY]
    assert len(set(primary.tolist())) == len(primary)
    assert set(primary.tolist()) == set(out.records["src_port"].tolist())


def test_a_stream_counts_each_conversation_once() -> None:
    log = Log()
    log.worker(10**9).finish()
    out = flows(log)
    check(out)
    further = np.flatnonzero(out.records["verdict"] == FURTHER)
    assert len(further) > 150
    told = [labels(out, int(row)) for row in further]
    assert all(each["cor"] == "a/eth0,b/eth0" for each in told)
    clocks = {abs(float(each["dlclock"])) for each in told}
    assert clocks == {1.5}
    assert log.committed == len(messages())


def test_the_same_messages_give_the_same_bytes() -> None:
    logs = [Log(), Log()]
    for log in logs:
        log.worker(10**9).finish()
    assert logs[0].values == logs[1].values


@pytest.mark.parametrize("seed", range(8))
def test_crashes_double_nothing_and_lose_nothing(seed: int) -> None:
    random, log = Random(seed), Log()
    for _ in range(6):
        worker = log.worker(random.randrange(12))
        worker.work(min(len(messages()), worker.next + random.randrange(1, 40)))
    log.worker(10**9).finish()
    check(flows(log))
    assert log.committed == len(messages())


def test_flows_leave_as_event_time_goes_on_and_those_of_one_probe_at_once() -> None:
    stream = ObserverStream(ObserverSettings())
    assert [len(flows) for flows in stream.process(seen("a", 1), 0)] == [1]
    assert stream.process(seen("b", 2), 1) == []
    assert stream.lowest_offset() == 0
    assert stream.process(moved(seen("a", 3), 200 * SECOND), 2) == []
    assert [len(flows) for flows in stream.process(moved(seen("b", 4), 200 * SECOND), 3)] == [1]
    assert stream.process(moved(seen("a", 5), 900 * SECOND), 4) != []
    assert stream.lowest_offset() == 4


def test_a_probe_that_is_silent_is_not_waited_for() -> None:
    stream = ObserverStream(ObserverSettings())
    stream.process(seen("a", 1), 0)
    stream.process(seen("b", 2), 1)
    assert [len(flows) for flows in stream.process(moved(seen("a", 3), 400 * SECOND), 2)] == [1]


def test_a_flow_that_comes_late_is_further_to_what_was_put_out() -> None:
    stream = ObserverStream(ObserverSettings())
    stream.process(seen("a", 1), 0)
    assert stream.process(moved(seen("b", 9, src_packets=99), 100 * SECOND), 1) == []
    stream.process(seen("b", 1, src_packets=99), 2)
    out = stream.flush()
    verdicts = {int(each.records["src_port"][0]): each.records["verdict"].tolist() for each in out}
    assert verdicts == {40_009: [PRIMARY], 40_001: [FURTHER]}
