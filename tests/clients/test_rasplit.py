"""rasplit and rastream: every packet in one file, names as split and strftime make them."""

from pathlib import Path

import pytest

from clients.main import main
from clients.reading.source_names import record_files
from sinks.files.names import lettered
from sinks.formats import open_reader, open_writer
from tests.random_batches import random_batch
from topics.batch import FlowBatch, concatenate, last_times, start_times

SECOND = 1_000_000_000
START = 1_700_000_100 * SECOND


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "source.parquet"
    batch = concatenate(random_batch(seed, 8, now=START + seed * 40 * SECOND) for seed in range(4))
    for name in batch.records.dtype.names or ():
        if name.endswith(("_packets", "_bytes")):
            batch.records[name] = batch.records[name] % 50
    with open_writer(str(path)) as writer:
        writer.write(batch)
    return str(path)


def read(directory: Path) -> list[FlowBatch]:
    return [concatenate(open_reader(path)) for path in record_files(str(directory))]


def packets(batch: FlowBatch) -> int:
    return int(batch.records["src_packets"].sum()) + int(batch.records["dst_packets"].sum())


def argosy(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.mark.parametrize("tool", ["rasplit", "rastream"])
def test_by_time_no_record_crosses_the_edge_of_its_file(tool: str, source: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert argosy(tool, "-r", source, "-M", "time", "1m", "-w", out / "$srcid/%H.%M") == 0
    whole, parts = concatenate(open_reader(source)), read(out)
    assert sum(packets(part) for part in parts) == packets(whole)
    for part in parts:
        assert len(set((start_times(part.records) // (60 * SECOND)).tolist())) == 1
    assert {path.name for path in out.rglob("*.parquet")} <= {f"22.{minute}.parquet" for minute in range(15, 19)}


def test_nomodify_leaves_records_whole(source: str, tmp_path: Path) -> None:
    assert argosy("rasplit", "-r", source, "-M", "time", "1s", "nomodify", "-w", tmp_path / "out/%H.%M.%S") == 0
    parts = concatenate(read(tmp_path / "out"))
    whole = concatenate(open_reader(source))
    assert sorted(last_times(parts.records).tolist()) == sorted(last_times(whole.records).tolist())


def test_by_count_names_end_in_letters(source: str, tmp_path: Path) -> None:
    assert argosy("rasplit", "-r", source, "-M", "count", "10", "-a", "1", "-w", tmp_path / "out/part") == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in out.glob("*.parquet")) == [f"part{letter}.parquet" for letter in "abcd"]
    assert [len(part) for part in read(out)] == [10, 10, 10, 2]


def test_by_filter_its_record_is_the_last(source: str, tmp_path: Path) -> None:
    assert argosy("rasplit", "-r", source, "-M", "flow", "src pkts gt 0", "-w", tmp_path / "out/x") == 0
    for part in read(tmp_path / "out"):
        assert (part.records["src_packets"][:-1] == 0).all()


def test_a_filter_selects_and_none_is_status_one(source: str, tmp_path: Path) -> None:
    assert argosy("rasplit", "-r", source, "-M", "count", "99", "-w", tmp_path / "out/x", "-", "src pkts lt 0") == 1
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_a_program_gets_each_closed_file(source: str, tmp_path: Path) -> None:
    script = tmp_path / "told.sh"
    script.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/told"\n')
    script.chmod(0o755)
    assert argosy("rastream", "-r", source, "-M", "time", "1m", "-w", tmp_path / "out/%H.%M", "-f", script) == 0
    said = (tmp_path / "told").read_text().splitlines()
    assert sorted(said) == sorted(f"-r {path}" for path in (tmp_path / "out").glob("*.parquet"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say how to cut"),
        (["-M", "tiem", "5m"], "not 'tiem'"),
        (["-M", "time"], "not 'time'"),
        (["-M", "time", "5x"], "time should be a time as"),
        (["-M", "count", "5", "-w", "x.%H"], "names files by time"),
        (["-M", "flow", "tpc"], "unknown word 'tpc'"),
        (["-M", "time", "5m", "-w", "/proc/x/%H%M"], "/proc/x"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str], said: str, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert argosy("rasplit", "-r", source, *words) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


def test_letters_go_on_when_they_do_not_suffice() -> None:
    names = [lettered(number, 1) for number in (0, 25, 26, 27, 26 + 26**2 - 1, 26 + 26**2)]
    assert names == ["a", "z", "aa", "ab", "zz", "aaa"]
