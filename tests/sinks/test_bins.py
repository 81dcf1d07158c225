import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.bins import SECOND, OpenBins, Rotation, last_times, start_times
from topics.batch import records_like
from topics.errors import UsageError

MINUTE = 60 * SECOND


def test_a_flow_begins_with_its_first_packet_of_either_direction() -> None:
    records = records_like(4)
    records["src_first"] = [5, 9, 0, 0]
    records["dst_first"] = [7, 3, 8, 0]
    records["src_last"] = [6, 9, 0, 0]
    records["dst_last"] = [7, 4, 8, 0]
    assert start_times(records).tolist() == [5, 3, 8, 0]
    assert last_times(records).tolist() == [7, 9, 8, 0]


@given(st.lists(st.integers(0, 2**62)), st.integers(1, 10**6))
def test_every_record_is_in_the_one_bin_that_covers_its_start(starts: list[int], seconds: int) -> None:
    records = records_like(len(starts))
    records["src_first"] = starts
    rotation, seen = Rotation("%Y-%m-%d.%H.%M.%S", seconds), []
    for start, index in rotation.split(records):
        picked = np.arange(len(starts))[index]
        assert all(start <= starts[row] < start + rotation.length for row in picked)
        assert sorted(picked) == list(picked)
        seen += picked.tolist()
    assert sorted(seen) == list(range(len(starts)))


def test_names_follow_the_pattern_in_utc_and_number_further_parts() -> None:
    rotation = Rotation("%Y-%m-%d/flows.%H.%M.%S", 300)
    start = 1_700_000_100 * SECOND
    assert str(rotation.name(start)) == "2023-11-14/flows.22.15.00.parquet"
    assert str(rotation.name(start, 2)) == "2023-11-14/flows.22.15.00.2.parquet"
    assert str(Rotation("x.%H.parquet", 3600).name(0, 1)) == "x.00.1.parquet"


@pytest.mark.parametrize(
    ("pattern", "seconds", "said"),
    [
        ("../%H.%M.%S", 60, "leads out"),
        ("a/../../%H.%M.%S", 60, "leads out"),
        ("/data/%H.%M.%S", 60, "leads out"),
        ("", 60, "names no file"),
        ("%H.%M.%S/", 60, "names no file"),
        ("%H\0%M", 60, "names no file"),
        ("flows.%H", 60, "alike"),
        ("%H.%M.%S", 0, "shortest"),
    ],
)
def test_a_pattern_that_does_not_do_is_refused(pattern: str, seconds: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Rotation(pattern, seconds)


def test_a_bin_is_complete_when_the_watermark_is_past_its_end_and_the_grace() -> None:
    bins = OpenBins(MINUTE, 30 * SECOND, 4)
    assert bins.touch(0) is None
    assert bins.touch(MINUTE) is None
    assert bins.advance(89 * SECOND) == []
    assert bins.advance(90 * SECOND) == [0]
    assert bins.advance(90 * SECOND) == []
    assert bins.advance(400 * SECOND) == [MINUTE]


def test_a_late_bin_stays_open_for_the_grace_and_the_watermark_never_goes_back() -> None:
    bins = OpenBins(MINUTE, 30 * SECOND, 4)
    bins.advance(1000 * SECOND)
    bins.advance(5 * SECOND)
    bins.touch(0)
    assert bins.advance(1029 * SECOND) == []
    assert bins.advance(1030 * SECOND) == [0]


def test_the_bin_that_was_not_written_for_longest_gives_way() -> None:
    bins = OpenBins(MINUTE, 0, 2)
    assert [bins.touch(start * MINUTE) for start in (1, 2, 1, 3, 3)] == [None, None, None, 2 * MINUTE, None]
    assert bins.clear() == [MINUTE, 3 * MINUTE]
    assert bins.clear() == []
