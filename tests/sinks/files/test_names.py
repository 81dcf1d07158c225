import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.files import Cutting, FileSink
from sinks.files.names import NamePattern, safe
from tests.random_batches import random_batch
from topics.batch import FlowBatch, Observer, records_like
from topics.errors import UsageError

SECOND = 1_000_000_000
START = 1_700_000_100 * SECOND


def test_names_follow_the_pattern_in_utc_and_number_further_parts() -> None:
    names = NamePattern("%Y-%m-%d/flows.%H.%M.%S", ".parquet")
    assert str(names.path((), START)) == "2023-11-14/flows.22.15.00.parquet"
    assert str(names.path((), START, 2)) == "2023-11-14/flows.22.15.00.2.parquet"
    assert str(NamePattern("x.%H.csv", ".csv").path((), 0, 1)) == "x.00.1.csv"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("../%H.%M.%S", "leads out"),
        ("a/../../%H.%M.%S", "leads out"),
        ("/data/%H.%M.%S", "leads out"),
        ("", "names no file"),
        ("%H.%M.%S/", "names no file"),
        ("%H\0%M", "names no file"),
        ("%H" * 600, "names no file"),
        ("$sadr.%H", "unknown field 'sadr'; did you mean 'saddr'"),
    ],
)
def test_a_pattern_that_does_not_do_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        NamePattern(pattern, ".parquet")


@pytest.mark.parametrize("pattern", ["flows.%H", "flows", "$proto/%H"])
def test_a_pattern_that_names_bins_alike_is_refused(pattern: str, tmp_path: object) -> None:
    with pytest.raises(UsageError, match="alike"):
        FileSink(str(tmp_path), pattern=pattern, cutting=Cutting(60))


def batch_of(*sites: str) -> FlowBatch:
    observers = [Observer(site, "p", "i") for site in sites]
    records = records_like(len(sites))
    records["observer"] = [observer.id for observer in observers]
    return FlowBatch(records=records, observers={observer.id: observer for observer in observers})


def test_values_of_fields_part_the_records() -> None:
    names = NamePattern("$srcid/${proto}-$dport.%H", ".parquet")
    batch = random_batch(7, 200)
    groups = dict(names.groups(batch))
    assert sorted(row for rows in groups.values() for row in rows.tolist()) == list(range(200))
    assert all(rows.tolist() == sorted(rows.tolist()) for rows in groups.values())
    assert len(groups) > 3


def test_hostile_values_stay_below_the_directory_and_visible() -> None:
    names = NamePattern("$srcid/%H", ".parquet")
    sites = ["../../etc", "", "..", ".", ".hidden", "-rf", "a/b", "a_b", "x" * 5000, "nul\0l", "new\nline", "%H$saddr"]
    for values, _ in names.groups(batch_of(*sites)):
        path = names.path(values, 0)
        assert len(path.parts) == 2
        assert not path.is_absolute()
        assert not path.parts[0].startswith((".", "-"))
        assert path.parts[1] == "00.parquet"


@given(st.lists(st.text(max_size=300), min_size=3, max_size=3))
def test_whatever_values_are_names_are_safe(values: list[str]) -> None:
    names = NamePattern("$saddr$daddr/$srcid.%H", ".parquet")
    path = names.path(tuple(safe(value) for value in values), 0, 7)
    assert len(path.parts) == 2
    assert all(0 < len(part.encode()) <= 255 - len("..partial") for part in path.parts)
    assert all(part.isprintable() and not part.startswith((".", "-")) for part in path.parts)


def test_a_long_part_is_cut_and_still_tells_values_apart() -> None:
    names = NamePattern("$saddr" * 5, ".parquet")
    one, other = (names.path((*["é" * 64] * 4, last), 0) for last in ("a", "b"))
    assert one != other
    assert len(one.name.encode()) < 255
