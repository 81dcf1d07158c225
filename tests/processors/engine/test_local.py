from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from processors.engine.local import run
from tests.processors.status_records import STATUS_INTERVAL, Conversations, in_messages, status_records
from topics.batch import END_OF_RUN, FlowBatch


@dataclass
class Hold:
    """A processor that lets every batch through one batch late."""

    held: list[FlowBatch] = field(default_factory=list)

    def process(self, batch: FlowBatch) -> list[FlowBatch]:
        self.held.append(batch)
        return [self.held.pop(0)] if len(self.held) > 1 else []

    def flush(self) -> list[FlowBatch]:
        return [self.held.pop(0) for _ in list(self.held)]


@dataclass
class Memory:
    """A sink that notes what it is told."""

    records: list[int] = field(default_factory=list)
    watermarks: list[int] = field(default_factory=list)
    ended: str = ""
    refuse: bool = False

    def write(self, batch: FlowBatch) -> None:
        if self.refuse:
            raise OSError("disk full")
        self.records += batch.records["src_first"].tolist()

    def advance(self, watermark: int) -> None:
        self.watermarks.append(watermark)

    def close(self) -> None:
        self.ended += "closed"

    def abort(self) -> None:
        self.ended += "aborted"


def batches(probe: str = "probe-1") -> list[FlowBatch]:
    return list(in_messages(status_records(Conversations(conversations=30, probe=probe)), size=5))


def test_every_record_goes_through_all_processors_into_all_sinks() -> None:
    sinks = [Memory(), Memory()]
    run(batches(), [Hold(), Hold()], sinks)

    expected = [time for batch in batches() for time in batch.records["src_first"].tolist()]
    assert [sink.records for sink in sinks] == [expected, expected]
    assert [sink.ended for sink in sinks] == ["closed", "closed"]


def test_sinks_learn_how_far_event_time_has_come() -> None:
    sink = Memory()
    run(batches(), [], [sink])

    assert sink.watermarks == sorted(sink.watermarks)
    assert sink.watermarks[-1] == max(batch.records["src_last"].max() for batch in batches()[:-1]) - STATUS_INTERVAL


def test_the_slowest_source_sets_the_time_until_it_ends() -> None:
    early = FlowBatch(probe="a", watermark=5)
    late = FlowBatch(probe="b", watermark=9)
    sink = Memory()
    run([early, late, early.replace(watermark=END_OF_RUN), late.replace(watermark=END_OF_RUN)], [], [sink])

    assert sink.watermarks == [5, 5, 9]


def failing_source() -> Iterator[FlowBatch]:
    yield from batches()[:2]
    raise OSError("disk on fire")


@pytest.mark.parametrize(
    ("source", "refuse"), [(failing_source, False), (lambda: iter(batches()), True)], ids=["source", "sink"]
)
def test_a_failure_aborts_the_sinks(source: Callable[[], Iterator[FlowBatch]], refuse: bool) -> None:
    sinks = [Memory(), Memory(refuse=refuse)]
    with pytest.raises(OSError, match="disk"):
        run(source(), [], sinks)

    assert [sink.ended for sink in sinks] == ["aborted", "aborted"]
