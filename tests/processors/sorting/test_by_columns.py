import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.sorting import Reordering
from processors.sorting.narrow import NarrowValues
from tests.topics.filter_texts import flows
from topics.frame import ARROW_SCHEMA, to_arrow

ROWS = 300
DATA = to_arrow(flows(ROWS, seed=5))
TIMES = pa.array([None if row % 3 else 1000 * row for row in range(ROWS)], pa.timestamp("ns", "UTC"))


def chunks(column: pa.Array, cuts: list[int]) -> list[pa.Array]:
    edges = [0, *sorted(set(cuts)), len(column)]
    return [column.slice(begin, end - begin) for begin, end in itertools.pairwise(edges) if end > begin]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, ROWS - 1), max_size=5), st.integers(40, 400), st.randoms(use_true_random=False))
def test_every_column_comes_in_the_order_asked_for(cuts: list[int], at_once: int, random: object) -> None:
    order = pa.array(np.random.default_rng(random.getrandbits(32)).permutation(ROWS), pa.uint32())  # type: ignore[attr-defined]
    reordering = Reordering(order, at_once)
    for name in ARROW_SCHEMA.names:
        parts = list(reordering.parts(chunks(DATA.column(name), cuts)))
        assert [len(part) for part in parts[:-1]] == [at_once] * (len(parts) - 1)
        for part in parts:
            part.validate(full=True)
        expected = DATA.column(name).take(order).to_pylist()
        assert [value for part in parts for value in part.to_pylist()] == expected, name


@pytest.mark.parametrize(
    "column",
    [
        TIMES,
        pa.nulls(ROWS, TIMES.type),
        pa.concat_arrays([pa.nulls(100, TIMES.type), TIMES.slice(100)]),
        pa.concat_arrays([pa.array([7000] * 100, TIMES.type), pa.nulls(200, TIMES.type)]),
        pa.array([b"\0" * 6] * 299 + [b"\0" * 5 + b"\1"], pa.binary(6)),
        pa.array([""] * 299 + ["x"]),
    ],
)
def test_what_begins_with_the_same_value_is_known_from_what_has_no_other(column: pa.Array) -> None:
    order = pa.array(range(ROWS - 1, -1, -1), pa.uint32())
    for cuts in ([], [100], [50, 100, 299]):
        parts = [part.to_pylist() for part in Reordering(order, 128).parts(chunks(column, cuts))]
        assert [value for part in parts for value in part] == column.to_pylist()[::-1]


def words(*chunks: list[str]) -> list[str]:
    """Return a column of words in reverse order; each chunk has a dictionary of its own."""
    order = pa.array(range(sum(map(len, chunks)) - 1, -1, -1), pa.uint32())
    parts = list(Reordering(order, 4).parts([pa.array(chunk).dictionary_encode() for chunk in chunks]))
    assert len({tuple(part.dictionary.to_pylist()) for part in parts}) == 1
    return [value for part in parts for value in part.to_pylist()]


def test_one_word_is_known_from_others_that_have_its_number() -> None:
    assert words(["a"] * 6, ["a"] * 5) == ["a"] * 11
    assert words(["a"] * 6, ["b"] * 5) == ["b"] * 5 + ["a"] * 6
    assert words(["a"] * 6, ["a", "b"]) == ["b", "a"] + ["a"] * 6
    order = pa.array(range(8), pa.uint32())
    one, other = Reordering(order, 4).parts([pa.array(["a"] * 4).dictionary_encode()] * 2)
    assert one is other


def test_zeros_keep_their_sign_and_what_is_no_number_stays() -> None:
    values = np.array([-0.0] * 100 + [0.0] * 100 + [np.nan] * 100)
    order = pa.array(range(ROWS - 1, -1, -1), pa.uint32())
    for cuts in ([], [100], [100, 200], [200]):
        parts = Reordering(order, 128).parts(chunks(pa.array(values), cuts))
        assert b"".join(part.to_numpy().tobytes() for part in parts) == values[::-1].tobytes()


def test_parts_of_a_column_of_one_value_are_one_object() -> None:
    parts = list(Reordering(pa.array(range(10), pa.uint32()), 4).parts([pa.array([3] * 5), pa.array([3] * 5)]))
    assert parts[0] is parts[1]
    assert [part.to_pylist() for part in parts] == [[3] * 4, [3] * 4, [3] * 2]


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i8", "f8"])
def test_values_that_grow_longer_are_all_kept(kind: str) -> None:
    most = np.frombuffer(b"\xff" * 8, kind)[:1]
    values = np.concatenate(
        [np.arange(200).astype(kind), *(np.full(50, 1 << bits).astype(kind) for bits in (6, 7)), most]
    )
    for more in (10, 20, 40):
        if most.itemsize * 8 > more:
            values = np.concatenate([values, np.full(70, 1 << more).astype(kind), values[:30]])
    held, order = NarrowValues(len(values)), np.random.default_rng(1).permutation(len(values)).astype(np.uint32)
    for _ in range(2):
        held.begin(values.itemsize)
        for start in range(0, len(values), 60):
            held.add(values[start : start + 60].view(np.uint8))
        assert held.taken(order).to_pybytes() == values[order].tobytes()
