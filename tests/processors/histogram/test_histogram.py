"""Classes and moments, held against NumPy and the statistics of the standard library."""

import statistics

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.histogram import Values, parse_wish, summary
from topics.errors import UsageError

numbers = st.lists(st.integers(-1000, 1000) | st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60)


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=3))
def test_what_values_come_to(parts: list[list[float]]) -> None:
    collected = Values()
    for part in parts:
        collected.add(pl.Series([*part, None], dtype=pl.Float64, strict=False))
    every = [float(value) for part in parts for value in part]
    found = summary(*collected.counted())
    assert found is not None
    assert (found.number, found.least, found.largest) == (len(every), min(every), max(every))
    assert found.mean == pytest.approx(np.mean(every), abs=1e-6)
    assert found.deviation == pytest.approx(np.std(every), abs=1e-4)
    assert found.median == statistics.median(every)
    assert set(found.modes) <= set(every)
    assert bool(found.modes) == (len(set(every)) < len(every))


@pytest.mark.parametrize(
    ("text", "seconds", "edges"),
    [
        ("4:0-1", True, [0, 0.25, 0.5, 0.75, 1]),
        ("2:0-75u", True, [0, 37.5e-6, 75e-6]),
        ("3:100", False, [0, 100, 200, 300]),
        ("3L:1-1k", False, [1, 10, 100, 1000]),
        ("3L:0-1k", False, [1, 10, 100, 1000]),
        ("2:1M-1H", True, [60, 1830, 3600]),
        ("2:-1-1", False, [-1, 0, 1]),
        ("10", False, [0, 8.2, 16.4, 24.6, 32.8, 41, 49.2, 57.4, 65.6, 73.8, 82]),
        ("2L", False, [1, 10, 100]),
    ],
)
def test_classes_that_are_asked_for(text: str, seconds: bool, edges: list[float]) -> None:
    classes = parse_wish(text, seconds=seconds).classes(1.5, 81.354462, seconds=seconds)
    assert classes.edges.tolist() == pytest.approx(edges)


def test_each_value_is_in_the_class_that_begins_at_or_below_it() -> None:
    classes = parse_wish("2:0-10", seconds=False).classes(0, 0, seconds=False)
    values = np.array([-1.0, 0, 4.9, 5, 9.9, 10, 11])
    assert classes.counts(values, np.arange(1, 8)) == (1, [2 + 3, 4 + 5], 6 + 7)


@pytest.mark.parametrize(
    "text", ["", "0", "x", "10:", "5:10-1", "5:1-1", "10:0-5x", "9999999", "3L:-5-10", "1:0-1e999"]
)
def test_what_says_no_classes_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_wish(text, seconds=True)
