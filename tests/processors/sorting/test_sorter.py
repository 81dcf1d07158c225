import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.sorting import Sorter, sort_keys
from processors.sorting.held import Held
from tests.topics.filter_texts import flows
from topics.errors import UsageError
from topics.frame import to_arrow

FRAME = pl.DataFrame(to_arrow(flows(300, seed=3))).with_columns(row=pl.int_range(300))
KEYS = ("bytes", "saddr", "daddr/24", "dur", "proto", "state", "stime", "sttl", "svid", "sas", "label", "dir")
SORTED_BY = FRAME.select("row", *sorted({name for key in sort_keys(KEYS) for name in key.value.meta.root_names()}))


def rows(words: list[str], at_once: int, cut: int = 50, frame: pl.DataFrame = FRAME) -> list[int]:
    pieces = list(frame.iter_slices(cut))
    return pl.concat(Sorter(sort_keys(words), at_once).sorted(pieces))["row"].to_list()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3), st.integers(40, 250), st.integers(30, 90))
def test_what_does_not_fit_into_memory_is_sorted_alike(words: list[str], at_once: int, cut: int) -> None:
    assert rows(words, at_once, cut, SORTED_BY) == rows(words, 1000, cut, SORTED_BY)


def test_records_alike_stay_in_the_order_they_came_in() -> None:
    assert rows(["type"], 1000) == rows(["type"], 120) == list(range(300))


def test_whole_records_that_do_not_fit_are_sorted_alike() -> None:
    sorter = Sorter(sort_keys(["state", "stime"]), 120)
    assert pl.concat(sorter.sorted(FRAME.iter_slices(50))).equals(FRAME[rows(["state", "stime"], 1000)])


@pytest.mark.parametrize(
    ("word", "column", "descending"),
    [("bytes", "bytes", True), ("+bytes", "bytes", False), ("dur", "dur", False), ("-dur", "dur", True)],
)
def test_counters_begin_with_the_largest_and_durations_with_the_smallest(
    word: str, column: str, *, descending: bool
) -> None:
    from topics.fields import field

    values = FRAME[rows([word], 1000)].select(field(column).value()).to_series()
    assert values.is_sorted(descending=descending)


def test_addresses_are_sorted_by_networks() -> None:
    first = FRAME[rows(["saddr/8", "bytes"], 1000)]
    networks = [value[:13] for value in first.filter(pl.col("ethertype") == 0x0800)["src_address"].to_list()]
    assert networks == sorted(networks)


@pytest.mark.parametrize("word", ["byts", "suser", "rank", "bytes/24", "saddr/129", "saddr/x"])
def test_what_cannot_be_sorted_by_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        sort_keys([word])


@pytest.mark.parametrize("kind", [pl.UInt8, pl.UInt16, pl.UInt32, pl.Int64])
def test_what_is_held_narrowly_comes_back_as_it_was(kind: type[pl.DataType]) -> None:
    """A piece that says one thing, one of small numbers and one of the largest there are, nulls among words."""
    largest = int(pl.select(pl.lit(0, kind).upper_bound()).item())
    words: list[list[str | None]] = [["a", "a"], [None, "b"], [None, None]]
    pieces = [
        pl.DataFrame({"number": pl.Series(numbers, dtype=kind), "word": pl.Series(said, dtype=pl.String), "same": "x"})
        for numbers, said in zip([[7, 7], [1, 255], [largest, 0]], words, strict=True)
    ]
    held = Held()
    for piece in pieces:
        held.add(piece)
    given = pl.concat(held.in_order(pl.Series([5, 4, 3, 2, 1, 0]), 4))
    assert given.equals(pl.concat(pieces).reverse())
    assert given.schema == pieces[0].schema
