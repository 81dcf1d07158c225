import multiprocessing
import shutil
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from clients.archive import compact
from sinks.archive import swap
from sinks.archive.local import LocalStore
from sinks.files import Cutting, FileSink
from sinks.files.facts import facts_of
from sinks.formats import open_reader
from tests.clients.archive.places import (
    DAY,
    EXPECTED,
    MESSAGES,
    NOW,
    START,
    Died,
    DyingStore,
    argosy,
    flows,
    keep,
    keys,
    seen,
)
from topics.batch import concatenate, start_times

WISH = compact.Wish(older=3600, keys=None, sort=[], strip=[], at_once=1 << 20, only_say=False, quiet=True)


def compacted(store: LocalStore, wish: compact.Wish = WISH, now: int = NOW) -> None:
    try:
        assert compact.work(store, wish, now) == 0
    finally:
        store.close()


def visible(directory: Path) -> list[str]:
    found = [path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()]
    return sorted(name for name in found if ".lock" not in name)


def test_the_files_of_a_day_become_one_in_the_order_of_time(tmp_path: Path) -> None:
    assert len(keep(tmp_path)) > 5
    compacted(LocalStore(str(tmp_path)))
    name = "2023-11-15/flows.2023-11-15.daily.parquet"
    assert visible(tmp_path) == ["2023-11-15/.argosy.merged.jsonl", name]
    assert seen(tmp_path) == EXPECTED
    starts = start_times(concatenate(open_reader(str(tmp_path / name))).records)
    assert starts.tolist() == sorted(starts.tolist())
    facts = facts_of(tmp_path / name)
    assert facts["bin"] == [START, START + DAY]
    assert facts["records"] == len(EXPECTED)
    assert facts["spans"] == {"t/0": [[0, len(MESSAGES) - 1]]}
    before = (tmp_path / name).read_bytes()
    compacted(LocalStore(str(tmp_path)))
    assert (tmp_path / name).read_bytes() == before


def test_killed_at_every_step_readers_see_each_flow_once_and_the_next_run_finishes(tmp_path: Path) -> None:
    steps, died = 0, True
    keep(tmp_path / "whole", cutting=Cutting(2400))
    while died:
        directory = shutil.copytree(tmp_path / "whole", tmp_path / str(steps))
        try:
            compacted(DyingStore(directory, steps))
            died = False
        except Died:
            assert seen(directory) == EXPECTED
        compacted(LocalStore(str(directory)))
        assert seen(directory) == EXPECTED
        assert visible(directory) == ["2023-11-15/.argosy.merged.jsonl", "2023-11-15/flows.2023-11-15.daily.parquet"]
        steps += 1
    assert steps > 7


def test_what_comes_late_is_added_by_the_next_run(tmp_path: Path) -> None:
    keep(tmp_path)
    compacted(LocalStore(str(tmp_path)))
    MESSAGES.append(late := flows(77, 5, 8))
    try:
        keep(tmp_path, len(MESSAGES) - 1)
    finally:
        MESSAGES.pop()
    expected = sorted([*EXPECTED, *keys(late)])
    assert seen(tmp_path) == expected
    compacted(LocalStore(str(tmp_path)))
    assert seen(tmp_path) == expected
    assert [name for name in visible(tmp_path) if "/." not in name] == ["2023-11-15/flows.2023-11-15.daily.1.parquet"]


@pytest.mark.parametrize("suffix", ["", ".avro"])
def test_a_sink_that_reads_the_bus_again_knows_what_was_merged(tmp_path: Path, suffix: str) -> None:
    pattern = f"%Y-%m-%d/flows.%H.%M.%S{suffix}"
    keep(tmp_path, pattern=pattern)
    compacted(LocalStore(str(tmp_path)))
    assert keep(tmp_path, pattern=pattern) == []
    assert keep(tmp_path, 4, pattern=pattern) == []
    assert seen(tmp_path) == EXPECTED


def test_the_same_run_again_adds_nothing_to_what_was_merged(tmp_path: Path) -> None:
    for _ in range(2):
        sink = FileSink(tmp_path, cutting=Cutting(600))
        for batch in MESSAGES:
            sink.write(batch)
        sink.close()
        compacted(LocalStore(str(tmp_path)))
        assert seen(tmp_path) == EXPECTED


def test_a_day_that_is_not_over_waits(tmp_path: Path) -> None:
    files = keep(tmp_path)
    compacted(LocalStore(str(tmp_path)), now=START + DAY + 3599 * 10**9)
    assert all(path.exists() for path in files)
    compacted(LocalStore(str(tmp_path)), now=START + DAY + 3600 * 10**9)
    assert not any(path.exists() for path in files)


def test_outputs_and_values_stay_apart(tmp_path: Path) -> None:
    keep(tmp_path, pattern="%Y-%m-%d/$proto.%H.%M.%S", cutting=Cutting(1200))
    keep(tmp_path, pattern="%Y-%m-%d/few.%H.%M.%S", wanted="src pkts gt 3", cutting=Cutting(1200))
    before, protocols = seen(tmp_path), {path.name.split(".")[0] for path in tmp_path.rglob("*.parquet")}
    compacted(LocalStore(str(tmp_path)))
    assert seen(tmp_path) == before
    assert {path.name.split(".")[0] for path in tmp_path.rglob("*.parquet")} == protocols


def test_files_in_directories_of_hours_come_together_above_them(tmp_path: Path) -> None:
    keep(tmp_path, pattern="%Y/%m/%d/%H/%M.%S")
    compacted(LocalStore(str(tmp_path)))
    assert [name for name in visible(tmp_path) if "/." not in name] == ["2023/11/15/flows.2023-11-15.daily.parquet"]
    assert seen(tmp_path) == EXPECTED


def test_merging_is_that_of_racluster(tmp_path: Path) -> None:
    keep(tmp_path)
    wish = WISH._replace(keys=["proto"])
    batch = concatenate(MESSAGES)
    compacted(LocalStore(str(tmp_path)), wish)
    merged = concatenate(batch for path in tmp_path.rglob("*.daily.parquet") for batch in open_reader(str(path)))
    assert len(merged) < len(batch)
    assert merged.records["src_packets"].sum() + merged.records["dst_packets"].sum() == (
        batch.records["src_packets"].sum() + batch.records["dst_packets"].sum()
    )
    assert argosy("archive", "verify", tmp_path, "-q") == 0


def test_records_may_be_sorted_and_stripped(tmp_path: Path) -> None:
    keep(tmp_path)
    compacted(LocalStore(str(tmp_path)), WISH._replace(sort=["dport"], strip=["jitter", "mac", "id"]))
    merged = concatenate(batch for path in tmp_path.rglob("*.daily.parquet") for batch in open_reader(str(path)))
    whole = concatenate(MESSAGES)
    assert merged.records["dst_port"].tolist() == sorted(whole.records["dst_port"].tolist())
    assert not merged.records["src_interval_sum"].any()
    assert not merged.records["flow_id"].any()
    assert merged.records["src_packets"].sum() == whole.records["src_packets"].sum()


def _read_for_a_while(directory: str, ready: Event, end: Event) -> None:
    swap.reading(Path(directory))
    ready.set()
    end.wait(60)


def test_what_a_reader_may_still_want_stays_until_it_is_done(tmp_path: Path) -> None:
    files, context = keep(tmp_path), multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    reader = context.Process(target=_read_for_a_while, args=(str(tmp_path), ready, end))
    reader.start()
    try:
        assert ready.wait(60)
        compacted(LocalStore(str(tmp_path)))
        assert all(path.exists() for path in files)
        compacted(LocalStore(str(tmp_path)))
        assert seen(tmp_path) == EXPECTED
    finally:
        end.set()
        reader.join()
    compacted(LocalStore(str(tmp_path)))
    assert not any(path.exists() for path in files)
    assert seen(tmp_path) == EXPECTED


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path)
    assert argosy("archive", "compact", tmp_path, "-n") == 0
    assert "become 2023-11-15/flows.2023-11-15.daily.parquet" in capsys.readouterr().out
    assert len(list(tmp_path.rglob("*.parquet"))) > 5
    assert argosy("archive", "compact", tmp_path) == 0
    assert "60 records" in capsys.readouterr().out
    assert argosy("archive", "compact", tmp_path) == 0
    assert "nothing to compact" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "argosy archive compact|retain|verify"),
        (["compct"], "did you mean 'compact'"),
        (["compact"], "say which archive"),
        (["compact", "/no/such"], "/no/such: does not exist"),
        (["compact", "ftp://x"], "a directory or s3://"),
        (["compact", ".", "-m", "sadr"], "sadr"),
        (["compact", ".", "--sort", "sadr"], "unknown field 'sadr'"),
        (["compact", ".", "--strip", "jiter"], "unknown part 'jiter'; did you mean 'jitter'"),
        (["retain", "."], "say what to keep"),
        (["retain", ".", "--keep", "5x"], "option --keep should be a time as"),
        (["retain", ".", "--most", "x"], "option --most should be a size as"),
        (["retain", ".", "--keep", "5d", "tpc"], "unknown word 'tpc'"),
    ],
)
def test_what_is_wrong_with_the_command_line_is_said_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert argosy("archive", *words) != 0
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


def written(path: Path) -> tuple[int, int, int]:
    """Return which file a name is, and when it was written: to read it changes nothing."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def test_days_become_lean_once_whether_they_are_one_file_or_several(tmp_path: Path) -> None:
    keep(tmp_path)
    compacted(LocalStore(str(tmp_path)))
    (whole,) = tmp_path.rglob("*.parquet")
    size = whole.stat().st_size
    wish = WISH._replace(layout="lean")
    compacted(LocalStore(str(tmp_path)), wish)
    (lean,) = tmp_path.rglob("*.parquet")
    before = written(lean)
    assert (lean != whole, lean.stat().st_size < 0.7 * size, facts_of(lean)["layout"]) == (True, True, "lean")
    compacted(LocalStore(str(tmp_path)), wish)
    assert [written(path) for path in tmp_path.rglob("*.parquet")] == [before]
    assert facts_of(lean)["records"] == len(EXPECTED)
    assert argosy("archive", "verify", tmp_path, "-q") == 0
    assert argosy("archive", "retain", tmp_path, "--keep", "1d", "src pkts gt 3", "-q") == 0
    (left,) = tmp_path.rglob("*.parquet")
    assert (left != lean, facts_of(left)["layout"]) == (True, "lean")
    assert argosy("archive", "verify", tmp_path, "-q") == 0


def test_an_unknown_layout_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert argosy("archive", "compact", tmp_path, "--layout", "fat") == 2
    assert "--layout: 'fat' is neither whole nor lean" in capsys.readouterr().err
