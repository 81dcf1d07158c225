"""Workers that crash at any step, against a log in memory: the flows come out as if nothing had happened."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from processors.engine import batch_numbers
from processors.engine.acknowledgement import Acknowledger, Checkpoint
from processors.engine.batch_numbers import BatchNumbers
from processors.engine.memory import Memory
from processors.engine.partition import PartitionMerge, conclusions, last_offset
from processors.merge import FlowMerge, MergeSettings
from tests.processors.status_records import Conversations, in_messages, status_records
from topics.batch import END_OF_RUN, FlowBatch
from topics.bus import decode_message, encode_message
from topics.errors import DecodeError

SETTINGS = MergeSettings(idle_timeout=12, other_idle_timeout=10, active_timeout=25)
Confirm = Callable[[int], None]


@dataclass
class Broker:
    """The partition of the input, that of the output, batches seen, dead letters, and what the group has committed."""

    input: list[bytes]
    output: list[tuple[bytes, dict[str, bytes]]] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    committed: Checkpoint = field(default_factory=lambda: Checkpoint(0, 0))


@dataclass
class InFlight:
    """What a worker has sent and the broker has not taken yet, in order."""

    broker: Broker
    queue: deque[Callable[[], None]] = field(default_factory=deque)

    decode = staticmethod(decode_message)
    encode = staticmethod(encode_message)

    def send(self, value: bytes, headers: list[tuple[str, bytes]], confirm: Confirm) -> None:
        def arrive() -> None:
            self.broker.output.append((value, dict(headers)))
            confirm(len(self.broker.output) - 1)

        self.queue.append(arrive)

    def remember(self, _: int, runs: bytes, confirm: Confirm) -> None:
        def arrive() -> None:
            self.broker.seen.append(runs)
            confirm(len(self.broker.seen) - 1)

        self.queue.append(arrive)

    def refuse(self, offset: int, value: bytes, reason: DecodeError, confirm: Confirm) -> None:
        def arrive() -> None:
            self.broker.refused.append(offset)
            confirm(0)

        self.queue.append(arrive)

    def arrive(self, count: int) -> None:
        for _ in range(min(count, len(self.queue))):
            self.queue.popleft()()


class Worker:
    """One run of a worker: begins where the group has committed, knows nothing else."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.in_flight = InFlight(broker)
        self.next = broker.committed.offset
        merge, known = FlowMerge(SETTINGS), []
        for number in range(broker.committed.output_offset, len(broker.output)):
            value, headers = broker.output[number]
            batch, last_positions = conclusions(value, headers, self.next, decode_message)
            if len(batch):
                merge.recovered(batch, last_positions)
                known.append((number, last_offset(last_positions)))
        acknowledger = Acknowledger(len(broker.output), known)
        place = broker.committed.seen
        numbers = BatchNumbers(broker.committed.numbers, b"" if place is None else broker.seen[place])
        memory = Memory(numbers, self.in_flight.remember, place)
        self.partition = PartitionMerge(self.next, merge, acknowledger, self.in_flight, memory=memory)

    def step(self, choice: random.Random) -> None:
        """Do one of the things that a worker does."""
        action = choice.choices(("process", "release", "arrive", "mark", "commit"), (6, 1, 4, 2, 2))[0]
        if action == "process" and self.next < len(self.broker.input):
            self.partition.process(self.next, self.broker.input[self.next], now=0.0)
            self.next += 1
        elif action == "release":
            self.partition.release_due(now=1.0)
        elif action == "arrive":
            self.in_flight.arrive(choice.randint(1, 3))
        elif action == "mark":
            self.partition.mark(now=0.0)
        elif checkpoint := self.partition.checkpoint():
            self.broker.committed = checkpoint

    def finish(self) -> None:
        while self.next < len(self.broker.input):
            self.partition.process(self.next, self.broker.input[self.next], now=0.0)
            self.next += 1
        for _ in range(2):
            self.partition.mark(now=0.0)
            self.in_flight.arrive(len(self.in_flight.queue))
            self.broker.committed = self.partition.checkpoint() or self.broker.committed


def flows(broker: Broker) -> list[tuple[tuple[bytes, int], str]]:
    """Key and all fields of every flow in the output."""
    batches: list[FlowBatch] = [decode_message(value) for value, _ in broker.output]
    return [
        ((record["flow_id"].tobytes(), int(record["status_sequence"])), said(record))
        for batch in batches
        for record in batch.records
    ]


def said(record: np.void) -> str:
    """All fields of a record; arrays as their bytes, of which NumPy would make text slowly."""
    return repr([value.tobytes() if isinstance(value, np.ndarray) else value for value in record.tolist()])


def messages(seed: int) -> list[bytes]:
    """One partition with the records of two probes, so that every message bears several flows of the same key."""
    first, second = (
        [*in_messages(status_records(Conversations(seed + n, 60, 60.0, probe=f"probe-{n}")), size=7)] for n in (0, 1)
    )
    choice = random.Random(seed)
    mixed = [queue.pop(0) for queue in iter(lambda: choice.choice([q for q in (first, second) if q] or [None]), None)]
    return [encode_message(batch) for batch in mixed]


@pytest.mark.parametrize("seed", range(12))
def test_crashes_lose_nothing_and_double_nothing(seed: int) -> None:
    calm = Broker(messages(seed))
    Worker(calm).finish()
    expected = dict(flows(calm))
    assert len(expected) > 50
    assert calm.committed.offset == len(calm.input)

    choice = random.Random(seed)
    broker = Broker(calm.input)
    for _ in range(8):
        worker = Worker(broker)
        for _ in range(choice.randint(1, 60)):
            worker.step(choice)
    Worker(broker).finish()

    assert flows(broker) != []
    assert dict(flows(broker)) == expected
    assert len(flows(broker)) == len(expected)
    assert broker.committed.offset == len(broker.input)


def with_replays(values: list[bytes], choice: random.Random) -> list[bytes]:
    """What a probe that crashes again and again sends: what it cannot know to have arrived comes once more."""
    sent: list[bytes] = []
    at = 0
    while at < len(values):
        ahead = choice.randint(1, 12)
        sent += values[at : at + ahead]
        at = max(0, at + ahead - choice.choice((0, 0, 3, 9)))
    return sent


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("room", [batch_numbers.MOST_TEXT, 16])  # in which one of the two runs finds place
def test_batches_that_come_again_count_once_through_any_number_of_crashes(
    monkeypatch: pytest.MonkeyPatch, seed: int, room: int
) -> None:
    monkeypatch.setattr(batch_numbers, "MOST_TEXT", room)
    choice = random.Random(seed)
    calm = Broker(messages(seed))
    Worker(calm).finish()
    broker = Broker(with_replays(calm.input, choice))
    assert len(broker.input) > len(calm.input) + 20
    for _ in range(8):
        worker = Worker(broker)
        for _ in range(choice.randint(1, 60)):
            worker.step(choice)
    last = Worker(broker)
    last.finish()

    assert sorted(flows(broker)) == sorted(flows(calm))
    assert last.partition.numbers.missing == {}
    assert broker.committed.offset == len(broker.input)
    assert bool(broker.seen) == (room == 16)


def runs(count: int) -> list[bytes]:
    """What so many runs of probes send: two records each, of flows of their own, then the end."""
    records = status_records(Conversations(1, count, 1.0, mean_records=2.0))
    sent = [records.select(slice(n, n + 2)).replace(boot_id=n + 1) for n in range(count)]
    ends = [FlowBatch(site=each.site, probe=each.probe, boot_id=each.boot_id, sequence=1, watermark=END_OF_RUN)
            for each in sent]  # fmt: skip
    return [encode_message(batch) for pair in zip(sent, ends, strict=True) for batch in pair]


@pytest.fixture(scope="module")
def many_runs() -> Broker:
    calm = Broker(runs(1100))
    Worker(calm).finish()
    return calm


@pytest.mark.parametrize("seed", range(3))
def test_more_than_a_thousand_runs_that_come_again_count_once(many_runs: Broker, seed: int) -> None:
    choice, calm = random.Random(seed), many_runs
    broker = Broker([*calm.input, *calm.input, *choice.sample(calm.input, 500)])
    while broker.committed.offset < len(calm.input):
        worker = Worker(broker)
        for _ in range(choice.randint(100, 1500)):
            worker.step(choice)
    Worker(broker).finish()

    assert sorted(flows(broker)) == sorted(flows(calm))
    assert broker.committed.offset == len(broker.input)


@pytest.mark.parametrize("seed", range(6))
def test_a_worker_that_lost_its_partition_unnoticed_does_no_harm(seed: int) -> None:
    calm = Broker(messages(seed))
    Worker(calm).finish()

    choice = random.Random(seed)
    broker = Broker(calm.input)
    workers = [Worker(broker)]
    for _ in range(6):
        for _ in range(40):
            choice.choice(workers).step(choice)
        workers = [*workers[-1:], Worker(broker)]
    workers[-1].finish()

    expected = dict(flows(calm))
    assert dict(flows(broker)) == expected
    assert all(fields == expected[key] for key, fields in flows(broker))


def test_what_cannot_be_decoded_is_refused_and_passed_over() -> None:
    whole = messages(1)
    calm = Broker(whole)
    Worker(calm).finish()
    broker = Broker([*whole[:5], b"\xff not a batch", *whole[5:]])
    Worker(broker).finish()

    assert broker.refused == [5]
    assert dict(flows(broker)) == dict(flows(calm))
    assert broker.committed.offset == len(broker.input)


def test_a_dead_letter_holds_back_the_acknowledgement_until_it_is_confirmed() -> None:
    broker = Broker([b"\xff not a batch"])
    worker = Worker(broker)
    worker.partition.process(0, broker.input[0], now=0.0)
    worker.partition.mark(now=0.0)
    assert worker.partition.checkpoint() is None

    worker.in_flight.arrive(1)
    assert worker.partition.checkpoint() == Checkpoint(1, 0)


def test_a_probe_that_fell_silent_does_not_hold_back_the_acknowledgement_for_ever() -> None:
    broker = Broker([message for message in messages(1) if len(decode_message(message))])
    worker = Worker(broker)
    worker.finish()
    assert worker.broker.committed.offset < len(broker.input)
    before = len(flows(broker))

    worker.partition.mark(now=10_000.0)
    worker.in_flight.arrive(len(worker.in_flight.queue))
    checkpoint = worker.partition.checkpoint()
    assert checkpoint is not None
    assert checkpoint.offset == len(broker.input)
    assert len(flows(broker)) > before
