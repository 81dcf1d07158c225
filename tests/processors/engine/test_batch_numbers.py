import random

import pytest

from processors.engine.batch_numbers import KEPT_RANGES, MOST_RUNS, MOST_TEXT, BatchNumbers
from topics.definitions import MAX_MESSAGE_BYTES
from topics.seen_batches import SeenBatches, encode_seen

RUN = ("site", "probe", 1)


def taken(numbers: BatchNumbers, sequence: list[int], start: int = 0) -> list[int]:
    """Numbers that were new."""
    return [n for offset, n in enumerate(sequence, start) if numbers.take(RUN, n, offset)]


def test_a_replay_is_told_and_counted() -> None:
    numbers = BatchNumbers()
    assert taken(numbers, [0, 1, 2, 1, 2, 3]) == [0, 1, 2, 3]
    assert numbers.replays == 2
    assert numbers.missing == {}


def test_a_gap_is_counted_until_it_is_filled() -> None:
    numbers = BatchNumbers()
    assert taken(numbers, [0, 4]) == [0, 4]
    assert numbers.missing == {("site", "probe"): 3}
    assert taken(numbers, [2, 2, 1, 3, 3], 2) == [2, 1, 3]
    assert numbers.missing == {("site", "probe"): 0}


def test_runs_do_not_mix() -> None:
    numbers = BatchNumbers()
    assert numbers.take(("site", "probe", 1), 0, 0)
    assert numbers.take(("site", "probe", 2), 0, 1)
    assert numbers.take(("site", "other", 1), 0, 2)
    assert not numbers.take(("site", "probe", 1), 0, 3)


def test_a_successor_knows_what_came_before_its_offset_and_nothing_later() -> None:
    numbers = BatchNumbers()
    sequence = [0, 1, 5, 6, 3, 7]
    taken(numbers, sequence)
    for offset in range(len(sequence) + 1):
        text = numbers.text_at(offset)
        successor = BatchNumbers(text)
        assert taken(successor, sequence[offset:], offset) == sequence[offset:]
        assert BatchNumbers(text).text_at(99) == text
        again = BatchNumbers(text)
        assert taken(again, sequence[:offset], offset) == []
        assert again.replays == offset


def test_a_gap_outlasts_a_restart() -> None:
    numbers = BatchNumbers()
    taken(numbers, [0, 3])
    successor = BatchNumbers(numbers.text_at(2))
    assert taken(successor, [1, 1, 2, 3]) == [1, 2]


def test_the_text_is_bounded_and_keeps_the_runs_heard_last() -> None:
    numbers = BatchNumbers()
    choice = random.Random(1)
    for offset in range(5000):
        numbers.take(("site", f"probe-{offset % 1000}", 1), choice.randint(0, 10**6), offset)
    text = numbers.text_at(5000)
    assert MOST_TEXT * 0.9 < len(text) <= MOST_TEXT
    successor = BatchNumbers(text)
    last = [int(number) for number in range(999, 999 - 30, -1)]
    assert [successor.take(("site", f"probe-{n}", 1), -1, 0) for n in last] == [False] * 30


def test_many_gaps_are_remembered_in_part() -> None:
    numbers = BatchNumbers()
    taken(numbers, list(range(0, 100, 2)))
    successor = BatchNumbers(numbers.text_at(50))
    assert taken(successor, list(range(100))) == [99 - 2 * n for n in range(KEPT_RANGES, 0, -1)] + [99]


def test_what_changed_goes_on_from_what_was_packed() -> None:
    numbers = BatchNumbers()
    for offset in range(1000):
        numbers.take(("site", f"probe-{offset}", 1), 7, offset)
    assert numbers.changes_at(1000) is None, "a thousand runs do not fit beside an offset"
    base = numbers.packed()
    assert numbers.changes_at(1000) == ""

    numbers.take(("site", "probe-3", 1), 8, 1000)
    numbers.take(("site", "new", 1), 0, 1001)
    numbers.take(("site", "later", 1), 0, 1002)
    changes = numbers.changes_at(1002)
    assert changes is not None
    assert len(changes) < 40
    successor = BatchNumbers(changes, base)
    assert successor.changes_at(1002) == changes
    assert not any(successor.take(("site", f"probe-{n}", 1), 7, 1002 + n) for n in range(1000))
    assert not successor.take(("site", "probe-3", 1), 8, 2002)
    assert not successor.take(("site", "new", 1), 0, 2003)
    assert successor.take(("site", "later", 1), 0, 2004)


def test_runs_are_bounded_and_fit_a_message_however_many_gaps_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.engine.batch_numbers.MOST_RUNS", 100)
    numbers = BatchNumbers()
    for run in range(150):
        for step in range(6):
            numbers.take(("site", "probe", run), 2**62 + step * 2, run * 6 + step)
    assert numbers.changes_at(900) is None
    base = numbers.packed()
    assert len(encode_seen(SeenBatches("g" * 249, "t" * 249, 1, 900, base))) * MOST_RUNS / 100 < MAX_MESSAGE_BYTES
    successor = BatchNumbers("", base)
    assert [successor.take(("site", "probe", run), 2**62, 0) for run in (50, 149)] == [False, False]
    assert successor.take(("site", "probe", 49), 2**62, 0), "the runs heard first are forgotten"


def test_damaged_runs_say_nothing() -> None:
    for base in (b"\xff", bytes(6) + b"\xff" * 11, bytes(7) + b"\x08"):
        assert taken(BatchNumbers("", base), [0, 1]) == [0, 1]


def test_text_that_is_none_says_nothing() -> None:
    for text in ("%%%", "AAAA", "////////////////"):
        assert taken(BatchNumbers(text), [0, 1]) == [0, 1]
