"""What is chance and what is not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from processors.inventories.bins import SECOND, Binned
from processors.inventories.comparison import compared

KEYS = ["key"]


def side(values: dict[str, list[int]]) -> Binned:
    """Values of keys, one a second."""
    binned = Binned(KEYS)
    rows = [(key, second * SECOND, value) for key, each in values.items() for second, value in enumerate(each) if value]
    binned.add(pl.DataFrame(rows, schema={"key": pl.String, "time": pl.Int64, "value": pl.Int64}, orient="row"))
    return binned


def test_the_difference_of_means_is_that_of_student() -> None:
    random = np.random.default_rng(5)
    before, now = random.integers(50, 150, 40).tolist(), random.integers(60, 160, 40).tolist()
    (found,) = compared(side({"a": now}), side({"a": before}), KEYS, 0.05).to_dicts()
    means, errors = [np.mean(each) for each in (now, before)], [np.var(each, ddof=1) / 40 for each in (now, before)]
    statistic = abs(means[0] - means[1]) / np.sqrt(sum(errors))
    simulated = np.abs(random.standard_t(78, 200_000)) > statistic
    assert found["p"] == pytest.approx(simulated.mean(), abs=0.003)
    assert found["factor"] == pytest.approx(means[0] / means[1])


def test_chance_is_told_no_more_often_than_the_level_says() -> None:
    random = np.random.default_rng(7)
    told = 0
    for _ in range(10):
        values = [{str(key): random.poisson(5, 60).tolist() for key in range(100)} for _ in range(2)]
        told += int(compared(side(values[0]), side(values[1]), KEYS, 0.01)["significant"].sum())
    assert told <= 3  # of ten times a hundred subjects that have not changed


def test_who_is_there_for_long_is_new_and_who_is_there_once_is_chance() -> None:
    steady = {"steady": [1] * 60}
    now = steady | {"long": [1] * 20, "once": [10**9]}
    found = {row["key"]: row for row in compared(side(now), side(steady), KEYS, 0.01).to_dicts()}
    assert (found["long"]["change"], found["long"]["significant"]) == ("new", True)
    assert (found["once"]["change"], found["once"]["significant"]) == ("new", False)
    assert found["once"]["p"] == pytest.approx(0.5)
    assert found["steady"]["p"] == 1


def test_times_of_different_length_are_compared_by_the_second() -> None:
    (found,) = compared(side({"a": [7] * 30}), side({"a": [7] * 60}), KEYS, 0.01).to_dicts()
    assert found["factor"] == 1
    assert not found["significant"]
