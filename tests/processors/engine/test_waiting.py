"""Flows wait for what is said of them; nothing overtakes them, least of all the acknowledgement of their input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from processors.engine.acknowledgement import Acknowledger
from processors.engine.batch_numbers import Unnumbered
from processors.engine.memory import Memory
from processors.engine.name_progress import SILENT_SECONDS, NameProgress
from processors.engine.partition import PartitionMerge
from processors.engine.waiting import MOST_WAITING
from processors.merge import MergedFlows
from processors.merge.recovery import position
from topics.batch import FlowBatch, records_like
from topics.bus import decode_message, encode_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAYLOADS, NAMES = "payloads", "names"


class Waiter:
    """Patience as told: everything is known until `known`, and each moment of rest adds one."""

    def __init__(self) -> None:
        self.now = self.known = self.rests = 0
        self.hurried = False

    def due(self, _batch: FlowBatch) -> float:
        return self.now

    def known_until(self) -> float:
        return self.known

    def rest(self) -> bool:
        self.rests += 1
        self.known += 1
        return not self.hurried


class Through:
    """A stage that hands every record on as a flow."""

    def __init__(self) -> None:
        self.sources: dict[Any, int] = {}

    def process(self, batch: FlowBatch, offset: int = 0) -> list[MergedFlows]:
        positions = np.array([position(offset) + row for row in range(len(batch))], np.int64)
        return [MergedFlows(batch.records, batch.heap, last_positions=positions)] if len(batch) else []

    def flush(self, _source: Any = None) -> list[MergedFlows]:
        return []

    def lowest_offset(self) -> int | None:
        return None

    def recovered(self, batch: FlowBatch, last_positions: Any) -> None:
        pass


class Partition:
    """A partition with patience whose output is confirmed at once."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.waiter = Waiter()
        self.decode, self.encode = decode_message, encode_message
        self.merge = PartitionMerge(
            0, Through(), Acknowledger(), self, memory=Memory(Unnumbered()), patience=self.waiter
        )

    def send(self, value: bytes, _headers: Any, confirm: Callable[[int], None]) -> None:
        self.sent += decode_message(value).records["status_sequence"].tolist()
        confirm(len(self.sent))

    def refuse(self, *_: Any) -> None:
        raise AssertionError

    def settled(self) -> int | None:
        self.merge.mark(0.0)
        checkpoint = self.merge.checkpoint()
        return None if checkpoint is None else checkpoint.offset


def message(numbers: Iterable[int]) -> bytes:
    numbers = list(numbers)
    records = records_like(len(numbers))
    records["status_sequence"] = numbers
    return encode_message(FlowBatch(records))


def test_flows_go_in_order_once_what_is_said_of_them_is_known_and_input_is_settled_behind_them() -> None:
    partition = Partition()
    for offset in (0, 1, 2):
        partition.waiter.now = offset + 1
        partition.merge.process(offset, message([offset]), 0.0)
    assert (partition.settled(), partition.sent) == (None, [])
    partition.waiter.known = 2
    partition.merge.release_due(1.0)
    partition.merge.release_due(2.0)
    assert partition.sent == [0, 1]
    assert partition.settled() is None  # the mark was set behind all three
    partition.waiter.known = 3
    assert partition.settled() == 3
    assert partition.sent == [0, 1, 2]


def test_input_waits_while_too_many_flows_do_unless_there_is_no_time() -> None:
    partition = Partition()
    partition.waiter.now = 5
    partition.merge.process(0, message(range(MOST_WAITING + 1)), 0.0)
    assert partition.waiter.rests == 5
    partition.merge.release_due(1.0)
    assert len(partition.sent) == MOST_WAITING + 1
    partition.waiter.now, partition.waiter.hurried = 100, True
    partition.merge.process(1, message(range(MOST_WAITING + 1)), 0.0)
    assert partition.waiter.rests == 6


class Broker:
    """Topics and a group, as far as they have come."""

    def __init__(self) -> None:
        self.ends = {PAYLOADS: {0: (0, 10), 1: (7, 7)}, NAMES: {0: (0, 3)}}
        self.committed: dict[int, tuple[int, str]] = {}

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        return dict(self.ends.get(topic, {}))

    def notes(self, _topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, str]]:
        return {number: note for number, note in self.committed.items() if number in set(partitions)}


def test_names_are_known_once_all_payloads_of_a_time_were_named_and_the_names_read() -> None:
    broker = Broker()
    progress = NameProgress(broker, PAYLOADS, NAMES)
    for now, committed, reached in ((1.0, None, 3), (2.0, (8, "published=9"), 3), (3.0, (8, "published=10"), 2)):
        broker.committed = {0: committed} if committed else {}
        progress.look({0: reached}, now)
        assert progress.known_until < 0
    broker.ends[PAYLOADS] = {0: (0, 11)}
    broker.ends[NAMES] = {0: (0, 5)}
    progress.look({0: 3}, 4.0)
    assert progress.known_until == 1.0  # when the check began; what came since belongs to the next one
    progress.look({0: 5}, 5.0)
    assert progress.known_until == 1.0
    broker.committed = {0: (9, "published=11")}
    progress.look({0: 5}, 6.0)
    assert progress.known_until == 5.0


def test_without_a_topic_of_payloads_names_come_from_elsewhere() -> None:
    broker = Broker()
    del broker.ends[PAYLOADS]
    progress = NameProgress(broker, PAYLOADS, NAMES)
    progress.look({0: 2}, 1.0)
    assert progress.known_until < 0
    progress.look({0: 3}, 2.0)
    assert progress.known_until == 1.0


def test_what_does_not_move_on_is_given_up_until_it_does_and_nothing_else_is() -> None:
    broker = Broker()
    broker.ends[PAYLOADS][2] = (0, 100)
    progress = NameProgress(broker, PAYLOADS, NAMES)
    for now in (0.0, SILENT_SECONDS):
        broker.committed = {2: (0, f"published={now:.0f}")}  # one partition moves, another one does not
        progress.look({0: 3}, now)
        assert progress.known_until < 0
    progress.look({0: 3}, SILENT_SECONDS + 1)
    assert progress.known_until < 0
    broker.committed = {2: (0, "published=100")}
    progress.look({0: 3}, SILENT_SECONDS + 2)
    assert (progress.known_until, progress.is_stalled) == (0.0, True)
    progress.look({0: 3}, 300.0)
    assert progress.known_until == 300.0
    broker.committed[0] = (3, "published=4")
    progress.look({0: 3}, 301.0)
    assert progress.known_until == 300.0
    broker.committed[0] = (3, "published=10")
    progress.look({0: 3}, 302.0)
    assert (progress.known_until, progress.is_stalled) == (301.0, False)


def test_names_that_cannot_be_read_are_given_up_too() -> None:
    broker = Broker()
    broker.committed = {0: (10, "")}
    progress = NameProgress(broker, PAYLOADS, NAMES)
    progress.look({0: 1}, 0.0)
    progress.look({0: 2}, SILENT_SECONDS)
    progress.look({0: 2}, 2 * SILENT_SECONDS)
    assert progress.known_until < 0
    progress.look({0: 2}, 2 * SILENT_SECONDS + 1)
    assert (progress.known_until, progress.is_stalled) == (0.0, True)
