"""Files cut by count, size and filter: every record in one file, also when the sink is killed between them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sinks.files import Cutting, FileSink, FileSinks
from sinks.files.directory import Held
from sinks.files.facts import facts_of
from sinks.files.programs import Program
from sinks.formats import open_reader
from sinks.position import Position
from tests.sinks.files.test_sink import flows, keys, names, sink_to, stored
from topics.batch import concatenate
from topics.errors import FilterError, UsageError

MESSAGES = [(offset, flows(offset, 7, offset / 40)) for offset in range(12)]
ALL = sorted(key for _, batch in MESSAGES for key in keys(batch))


def counts(directory: Path) -> list[int]:
    return sorted(sum(len(b) for b in open_reader(str(path))) for path in directory.rglob("*.parquet"))


def feed(sink: FileSink | FileSinks, first: int = 0) -> None:
    for offset, batch in MESSAGES[first:]:
        sink.write(batch, Position("p0", offset))


def test_a_file_ends_after_so_many_records(tmp_path: Path) -> None:
    sink = sink_to(tmp_path, cutting=Cutting(60, count=10))
    feed(sink)
    sink.close()
    assert counts(tmp_path) == [4] + [10] * 8
    assert stored(tmp_path) == ALL


@pytest.mark.parametrize("kept", [1, 4, 7])
def test_killed_between_two_files_of_one_message_nothing_is_lost_or_doubled(tmp_path: Path, kept: int) -> None:
    """A message of 7 records lies in two files of 5; only some of them were closed when the process died."""
    sink = sink_to(tmp_path, cutting=Cutting(60, count=5))
    feed(sink)
    sink.close()
    for path in sorted(tmp_path.rglob("*.parquet"), key=lambda path: facts_of(path)["offsets"]["p0"])[kept:]:
        path.unlink()
    again = sink_to(tmp_path, cutting=Cutting(60, count=5))
    feed(again)
    again.close()
    assert stored(tmp_path) == ALL


def test_a_record_that_a_filter_selects_is_the_last_of_its_file(tmp_path: Path) -> None:
    batch = flows(1, 30, 0)
    batch.records["src_packets"] = 5
    batch.records["src_packets"][[4, 5, 20]] = 99
    sink = sink_to(tmp_path, cutting=Cutting(60, until="src pkts eq 99"))
    sink.write(batch)
    sink.close()
    assert counts(tmp_path) == [1, 5, 9, 15]
    assert stored(tmp_path) == sorted(keys(batch))


@pytest.mark.parametrize("suffix", ["", ".jsonl"])
def test_a_file_ends_when_it_is_large(tmp_path: Path, suffix: str) -> None:
    sink = sink_to(tmp_path, pattern=f"%H.%M.%S{suffix}", cutting=Cutting(60, size=2_000))
    feed(sink)
    sink.close()
    assert len(sink.files) > 2
    assert sink.records == len(ALL)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".avro"])
@pytest.mark.parametrize("lost", [0, 1, 3])
def test_formats_without_a_footer_are_kept_once_too(tmp_path: Path, suffix: str, lost: int) -> None:
    pattern = f"%Y/%H.%M.%S{suffix}"
    for run in range(2):
        sink = sink_to(tmp_path, pattern=pattern, cutting=Cutting(60, count=20))
        feed(sink)
        sink.close()
        found = sorted(path for path in tmp_path.rglob(f"*{suffix}") if not path.name.startswith("."))
        assert sum(facts_of(path)["records"] for path in found) == len(ALL), run
        for path in found[len(found) - lost :] if lost and not run else []:
            path.unlink()  # its side file is there before it, and says nothing without it
    ids = [key for path in found for key in flow_ids(path)]
    assert sorted(ids) == sorted(batch.records["flow_id"][row].tobytes() for _, batch in MESSAGES for row in range(7))


def flow_ids(path: Path) -> list[bytes]:
    if path.suffix == ".avro":
        return [row["flow_id"].tobytes() for row in concatenate(open_reader(str(path))).records]
    frame = pl.read_ndjson(path) if path.suffix == ".jsonl" else pl.read_csv(path, infer_schema=False)
    return [bytes.fromhex(value) for value in frame["flow_id"]]


def test_each_output_keeps_what_its_filter_selects_where_its_name_says(tmp_path: Path) -> None:
    place, cutting = Held(tmp_path), Cutting(60)
    sinks = FileSinks(
        [
            FileSink(tmp_path, pattern="all/%H.%M", cutting=cutting, place=place),
            FileSink(tmp_path, pattern="$srcid/%H.%M.csv", cutting=cutting, wanted="src pkts gt 3", place=place),
        ],
        [place],
    )
    feed(sinks)
    assert sinks.safe_offsets() == {"p0": 0}
    sinks.flush()
    assert sinks.safe_offsets() == {"p0": 12}
    sinks.close()
    batch = concatenate(batch for _, batch in MESSAGES)
    assert sum(counts(tmp_path)) == len(ALL)
    chosen = [path for path in sinks.files if path.suffix == ".csv"]
    rows = [row for path in chosen for row in pl.read_csv(path, infer_schema=False).iter_rows(named=True)]
    assert len(rows) == int((batch.records["src_packets"] > 3).sum())
    assert len({path.parent for path in chosen}) == len({(row["probe"], row["interface"]) for row in rows})
    assert sinks.records == len(ALL) + len(rows)
    FileSink(tmp_path).close()  # the directory was left


def test_what_reads_the_same_bus_with_many_values_opens_few_files(tmp_path: Path) -> None:
    batch = flows(3, 12, 0)
    sink = sink_to(tmp_path, pattern="$saddr-$sport.%H.%M.%S", most_open=3)
    for start in range(0, 12, 4):
        sink.write(batch.select(slice(start, start + 4)), Position("p0", start))
        assert len(sink._parts) <= 3
    sink.close()
    assert stored(tmp_path) == sorted(keys(batch))
    again = sink_to(tmp_path, pattern="$saddr-$sport.%H.%M.%S", most_open=3)
    for start in range(0, 12, 4):
        again.write(batch.select(slice(start, start + 4)), Position("p0", start))
    again.close()
    assert stored(tmp_path) == sorted(keys(batch))


def test_a_program_runs_on_each_closed_file_and_its_failure_stops_nothing(tmp_path: Path) -> None:
    script, said = tmp_path / "told.sh", list[str]()
    script.write_text(
        f'#!/bin/sh\necho "$1" >> "{tmp_path}/seen"\ncase "$1" in *22.16*) echo no disk >&2; exit 3;; esac\n'
    )
    script.chmod(0o755)
    program = Program([str(script)], tell=said.append)
    sink = sink_to(tmp_path / "data; touch oops", program=program)
    for minute in range(3):
        sink.write(flows(minute, 2, minute))
    sink.close()
    assert (tmp_path / "seen").read_text().splitlines() == [str(path) for path in sink.files]
    assert said == [f"{script} {sink.files[1]}: exit status 3: no disk"]
    assert program.failed == 1


@pytest.mark.parametrize(("command", "reason"), [(["/no/such/program"], "No such file"), (["sleep", "9"], "was ended")])
def test_a_program_that_is_missing_or_hangs_is_told(tmp_path: Path, command: list[str], reason: str) -> None:
    said: list[str] = []
    program = Program(command, seconds=0.05, tell=said.append)
    program.run(Path("9"))
    program.close()
    assert len(said) == 1
    assert reason in said[0]


def test_the_side_file_says_what_the_footer_would(tmp_path: Path) -> None:
    for suffix in ("", ".csv"):
        sink = sink_to(tmp_path, pattern=f"%H.%M.%S{suffix}")
        sink.write(flows(4, 9, 0), Position("c/t/0", 7))
        sink.close()
    footer, side = facts_of(tmp_path / "22.15.00.parquet"), facts_of(tmp_path / "22.15.00.csv")
    own = dict.fromkeys(("size", "checksum", "pattern", "runs"))
    assert {**side, **own} == {**footer, **own}
    assert side["size"] == (tmp_path / "22.15.00.csv").stat().st_size
    assert facts_of(tmp_path / "none.csv") == {}


def test_settings_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shortest"):
        Cutting(-1)
    with pytest.raises(UsageError, match="positive"):
        Cutting(60, count=-1)
    with pytest.raises(FilterError, match="tpc"):
        sink_to(tmp_path, wanted="tpc")
    with pytest.raises(FilterError, match="tpc"):
        sink_to(tmp_path, cutting=Cutting(60, until="tpc"))
    sink_to(tmp_path).close()
    assert names(tmp_path) == [".argosy.lock"]
