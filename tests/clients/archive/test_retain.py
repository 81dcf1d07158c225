import shutil
from pathlib import Path

import pytest

from clients.archive import retain
from sinks.archive.local import LocalStore
from sinks.files import Cutting
from tests.clients.archive.places import DAY, EXPECTED, MESSAGES, NOW, Died, DyingStore, argosy, keep, keys, seen
from topics import filter as filters
from topics.batch import FlowBatch, concatenate

FEW = "src pkts gt 3"


def retained(store: LocalStore, *rules: retain.Rule, now: int = NOW) -> None:
    try:
        assert retain.work(store, retain.Wish(list(rules), only_say=False, quiet=True), now) == 0
    finally:
        store.close()


def without(text: str, batch: FlowBatch) -> list[bytes]:
    value = filters.condition(text)
    assert value is not None
    return sorted(keys(batch.select(~filters.mask(value)(batch))))


def test_files_older_than_allowed_go(tmp_path: Path) -> None:
    files = keep(tmp_path)
    end = 1_700_006_400 * 10**9 + 40 * 60 * 10**9  # files of minutes 0 to 40 end until then
    retained(LocalStore(str(tmp_path)), retain.Rule("", 86_400, None), now=end + DAY)
    assert [path.exists() for path in files] == [path.name >= "flows.00.40" for path in files]


def test_of_old_files_only_the_flows_that_a_filter_selects_go(tmp_path: Path) -> None:
    keep(tmp_path)
    expected = without(FEW, concatenate(MESSAGES))
    assert 0 < len(expected) < len(EXPECTED)
    retained(LocalStore(str(tmp_path)), retain.Rule(FEW, 86_400, None))
    assert seen(tmp_path) == expected
    names = sorted(tmp_path.rglob("*.parquet"))
    retained(LocalStore(str(tmp_path)), retain.Rule(FEW, 86_400, None))
    assert sorted(tmp_path.rglob("*.parquet")) == names
    assert keep(tmp_path) == []  # a sink that reads the bus again brings nothing back
    assert argosy("archive", "verify", tmp_path, "-q") == 0


def test_killed_at_every_step_a_flow_that_stays_is_seen_once(tmp_path: Path) -> None:
    expected, steps, died = without(FEW, concatenate(MESSAGES)), 0, True
    keep(tmp_path / "whole", cutting=Cutting(2400))
    while died:
        directory = shutil.copytree(tmp_path / "whole", tmp_path / str(steps))
        try:
            retained(DyingStore(directory, steps), retain.Rule(FEW, 86_400, None))
            died = False
        except Died:
            found = seen(directory)
            assert len(set(found)) == len(found)
            assert set(expected) <= set(found)
        retained(LocalStore(str(directory)), retain.Rule(FEW, 86_400, None))
        assert seen(directory) == expected
        steps += 1
    assert steps > 8


def test_what_is_too_much_goes_oldest_first(tmp_path: Path) -> None:
    files = keep(tmp_path)
    size = sum(path.stat().st_size for path in files[-3:])
    retained(LocalStore(str(tmp_path)), retain.Rule("", None, size))
    assert [path.exists() for path in files] == [False] * (len(files) - 3) + [True] * 3


def test_a_size_may_be_that_of_some_flows(tmp_path: Path) -> None:
    keep(tmp_path)
    retained(LocalStore(str(tmp_path)), retain.Rule(FEW, None, 0))
    assert seen(tmp_path) == without(FEW, concatenate(MESSAGES))


def test_text_files_go_whole_or_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = keep(tmp_path, pattern="%H.%M.%S.csv")
    assert argosy("archive", "retain", tmp_path, "--keep", "1d", FEW) == 0
    assert "stays, a filter cannot be applied to files of text" in capsys.readouterr().out
    assert all(path.exists() for path in files)
    assert argosy("archive", "retain", tmp_path, "--keep", "1d", "-n") == 0
    assert "6 records would go" in capsys.readouterr().out
    assert all(path.exists() for path in files)
    assert argosy("archive", "retain", tmp_path, "--keep", "1d") == 0
    assert not list(tmp_path.rglob("*.csv*"))
    assert not list(tmp_path.rglob(".*.facts"))


def test_nothing_to_do_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path)
    assert argosy("archive", "retain", tmp_path, "--keep", "36500d") == 0
    assert "nothing to remove" in capsys.readouterr().err
