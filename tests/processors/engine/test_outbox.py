import numpy as np

from processors.engine.outbox import Message, Outbox
from topics.batch import FlowBatch, records_like


def flows(first: int, count: int, probe: str = "p") -> tuple[FlowBatch, np.ndarray]:
    records = records_like(count)
    records["status_sequence"] = np.arange(first, first + count)
    return FlowBatch(records, probe=probe), np.arange(first, first + count)


def encode(batch: FlowBatch) -> bytes:
    return b"".join(number.tobytes() * 25 for number in batch.records["status_sequence"])  # 100 bytes a record


def make(limit: int = 1000, linger: float = 0.2) -> tuple[Outbox, list[Message]]:
    sent: list[Message] = []
    return Outbox(encode, sent.append, limit, linger), sent


def numbers(message: Message) -> list[int]:
    return [int(number) for number in np.frombuffer(message.value, np.uint32)[::25]]


def test_small_emissions_travel_together() -> None:
    outbox, sent = make(limit=10_000)
    for number in range(3):
        outbox.add(*flows(number, 1), position=number, now=0.0)
    assert not sent

    outbox.release_due(position=3, now=0.1)
    assert not sent

    outbox.release_due(position=3, now=0.25)
    assert [numbers(message) for message in sent] == [[0, 1, 2]]
    assert sent[0].last_positions.tolist() == [0, 1, 2]
    assert sent[0].position == 3


def test_messages_keep_the_limit_and_the_order() -> None:
    outbox, sent = make(limit=1000)
    outbox.add(*flows(0, 137), position=9, now=0.0)
    outbox.release(position=9)

    assert [number for message in sent for number in numbers(message)] == list(range(137))
    assert all(len(message.value) <= 1000 for message in sent)
    assert all(message.last_positions.tolist() == numbers(message) for message in sent)


def test_a_full_message_does_not_wait() -> None:
    outbox, sent = make(limit=1000)
    for number in range(100):
        outbox.add(*flows(number, 1), position=number, now=0.0)

    assert sent


def test_what_is_large_goes_out_at_once_behind_what_waited() -> None:
    outbox, sent = make(limit=1000)
    outbox.add(*flows(0, 1), position=0, now=0.0)
    outbox.add(*flows(1, 5), position=1, now=0.0)

    assert [numbers(message) for message in sent] == [[0], [1, 2, 3, 4, 5]]
    outbox.release(position=2)
    assert len(sent) == 2


def test_sources_are_kept_apart() -> None:
    outbox, sent = make()
    outbox.add(*flows(0, 1, "a"), position=0, now=0.0)
    outbox.add(*flows(1, 1, "b"), position=1, now=0.0)
    outbox.add(*flows(2, 1, "a"), position=2, now=0.0)
    outbox.release(position=2)

    assert sorted(numbers(message) for message in sent) == [[0, 2], [1]]


def test_a_record_beyond_the_limit_travels_alone() -> None:
    outbox, sent = make(limit=50)
    outbox.add(*flows(0, 3), position=0, now=0.0)
    outbox.release(position=0)

    assert [numbers(message) for message in sent] == [[0], [1], [2]]
