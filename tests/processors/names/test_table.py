"""The table of names against a model: as of any time, whatever the order, within bounds."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from processors.names import NameTable
from processors.names.table import AT_ONCE
from processors.names.table_kernel import MOST_SPANS
from topics.names import AddressName

if TYPE_CHECKING:
    from collections.abc import Iterable


def address(number: int) -> bytes:
    return number.to_bytes(16)


def told(client: int, server: int, name: str, first: int, last: int, until: int) -> AddressName:
    return AddressName(address(server), name, "dns", first, last, until, client=address(client))


def asked(table: NameTable, questions: Iterable[tuple[int, int, int]]) -> list[str | None]:
    questions = list(questions)
    pairs = b"".join(address(client) + address(server) for client, server, _ in questions)
    times = np.array([time for _, _, time in questions], np.int64)
    numbers = table.find(np.frombuffer(pairs, np.uint64).reshape(-1, 4), times).tolist()
    return [table.text(number) if number else None for number in numbers]


def model(names: list[AddressName], client: int, server: int, time: int) -> str | None:
    held = [
        (name.last, name.until, name.name)
        for name in names
        if (name.client, name.address) == (address(client), address(server)) and name.last <= time <= name.until
    ]
    return max(held)[2] if held else None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_answers_are_those_of_a_model_in_any_order_of_telling(seed: int) -> None:
    chance = Random(seed)
    names = []
    for _ in range(3 * AT_ONCE):
        begin = chance.randrange(10_000)
        which = f"{chance.randrange(9)}.example"
        names.append(
            told(chance.randrange(1, 40), chance.randrange(40), which, begin, begin, begin + chance.randrange(2_000))
        )
    questions = [(chance.randrange(1, 41), chance.randrange(41), chance.randrange(12_000)) for _ in range(300)]
    answers = []
    for _ in range(2):
        table = NameTable()
        for name in names:
            table.add(name)
        answers.append(asked(table, questions))
        chance.shuffle(names)
    assert answers[0] == answers[1]
    # names that fall on one time differ in the model only by their text
    times = {(name.client, name.address, name.last, name.until) for name in names}
    assert len(times) == len(names)
    assert answers[0] == [model(names, *question) for question in questions]


def test_a_name_renewed_for_ever_is_known_since_its_beginning() -> None:
    table = NameTable()
    for at in range(0, 100 * MOST_SPANS, 10):
        table.add(told(1, 2, "a.example", 0, at, at + 15))
    assert asked(table, [(1, 2, at) for at in (-1, 0, 5, 3_000, 100 * MOST_SPANS, 100 * MOST_SPANS + 6)]) == [
        None,
        *["a.example"] * 4,
        None,
    ]


def test_of_names_that_take_turns_the_last_ones_are_known() -> None:
    table = NameTable()
    for at in range(4 * MOST_SPANS):
        table.add(told(1, 2, f"{at}.example", at, at, at + 10_000))
    last = 4 * MOST_SPANS - 1
    assert asked(table, [(1, 2, last), (1, 2, last - 1), (1, 2, last - MOST_SPANS + 1), (1, 2, 0)]) == [
        f"{last}.example",
        f"{last - 1}.example",
        f"{last - MOST_SPANS + 1}.example",
        None,
    ]


def test_a_full_table_forgets_pairs_and_names_not_renewed_for_longest() -> None:
    table, most = NameTable(most=100), 100
    for client in range(2, 5_002):
        table.add(told(client, 1, f"{client}.example", 0, 0, 10))
        table.add(told(1, 1, "kept.example", 0, client, client + 10))
    assert len(table) <= most
    assert table.evicted == 5_001 - len(table)
    assert asked(table, [(1, 1, 5_001), (5_001, 1, 0), (2, 1, 0)]) == ["kept.example", "5001.example", None]
    assert len(table._texts) <= most + AT_ONCE
