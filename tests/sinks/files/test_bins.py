import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks.files.bins import OpenBins, split
from topics.batch import records_like

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
ZERO, ONE, TWO, THREE = [(number * MINUTE, ()) for number in range(4)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a machine under load is slow
@given(st.lists(st.integers(0, 2**62), max_size=30), st.integers(1, 10**6))
def test_every_record_is_in_the_one_bin_that_covers_its_start(starts: list[int], seconds: int) -> None:
    records, length = records_like(len(starts)), seconds * SECOND
    records["src_first"] = starts
    seen: list[int] = []
    for start, rows in split(records, length):
        assert all(start <= starts[row] < start + length for row in rows)
        assert not start % length
        assert sorted(rows) == list(rows)
        seen += np.asarray(rows).tolist()
    assert sorted(seen) == list(range(len(starts)))


def test_a_bin_is_complete_when_the_watermark_is_past_its_end_and_the_grace() -> None:
    bins = OpenBins(MINUTE, 30 * SECOND, 4)
    assert bins.touch(ZERO) is None
    assert bins.touch(ONE) is None
    assert bins.advance(89 * SECOND) == []
    assert bins.advance(90 * SECOND) == [ZERO]
    assert bins.advance(90 * SECOND) == []
    assert bins.advance(400 * SECOND) == [ONE]


def test_a_late_bin_stays_open_for_the_grace_and_the_watermark_never_goes_back() -> None:
    bins = OpenBins(MINUTE, 30 * SECOND, 4)
    bins.advance(1000 * SECOND)
    bins.advance(5 * SECOND)
    bins.touch(ZERO)
    assert bins.advance(1029 * SECOND) == []
    assert bins.advance(1030 * SECOND) == [ZERO]


def test_the_bin_that_was_not_written_for_longest_gives_way() -> None:
    bins = OpenBins(MINUTE, 0, 2)
    assert [bins.touch(bin_) for bin_ in (ONE, TWO, ONE, THREE, THREE)] == [None, None, None, TWO, None]
    assert bins.clear() == [ONE, THREE]
    assert bins.clear() == []
