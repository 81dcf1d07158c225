"""What a time range selects, held against what ra selects of the same records."""

import pytest

from tests.topics.conftest import ArgusSample
from topics import timerange
from topics.expression.polars import polars

RANGES = """
2026
2026/03
2026/03/10
2026/03/10.09
2026/03/10.09:02
2026/03/10.09:02:10
2026/03/10.09:02-09:05
2026/03/10.09:02-2026/03/10.09:05
2026/03/10.09:02:10-09:02:20
2026/03/10.09:02+2m
2026/03/10.09:02+1m30s
2026/03/10.09:02:10+1h
2026/03/10.09:02:10+30s
2026/03/10.09:05-5m
2026/03/10.09-10
2026/03/10-2026/03/11
2026/03/09-2026/03/10
2026/02-2026/04
2026y3M10d9h
2026y3M10d9h2m
1773133320
1773133320+60s
1773133320+2m
1773133320-1773133380
c2026/03/10.09:02-09:05
i2026/03/10.09:02-09:05
n2026/03/10.09:02:10-09:02:11
s2026/03/10.09:00:34-09:00:36
x2026/03/10.09:02-09:05
xi2026/03/10.09:02-09:05
xc2026/03/10.09:02-09:05
c2026/03/10.09:00:33+4s
c2026/03/10.09:00:30+5s
****/03/10
****/03
****/04
2026/**/10
2026/03/**.09:02
2026/03/10.**:02
2026/03/10.09:**
2025/03/10
2026/04
"""
pytestmark = pytest.mark.usefixtures("utc")


@pytest.mark.parametrize("text", RANGES.split())
def test_a_range_selects_the_records_that_ra_selects(argus_sample: ArgusSample, text: str) -> None:
    chosen = argus_sample.frame.filter(polars(timerange.parse(text).condition()))
    assert argus_sample.starts(chosen) == argus_sample.selected("ranges", text, "-t", text)


@pytest.mark.parametrize(("text", "selected"), [("n", 1), ("s", 1), ("i", 1), ("c", 0)])
def test_a_record_that_spans_a_range_intersects_it(argus_sample: ArgusSample, text: str, selected: int) -> None:
    """Ra 3.0.8.2 selects it neither way: it looks whether the record begins or ends in the range."""
    wanted = timerange.parse(f"{text}2026/03/10.09:00:34-09:00:36").condition()
    assert argus_sample.frame.filter(polars(wanted)).height == selected


def test_there_are_enough_of_them() -> None:
    assert len(set(RANGES.split())) >= 30
