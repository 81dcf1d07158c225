import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from sinks.files import Cutting, FileSink
from sinks.files import sink as files
from sinks.formats import open_reader
from sinks.formats.parquet import ParquetWriter, read_facts
from sinks.position import Position
from tests.random_batches import random_batch
from topics.batch import END_OF_RUN, FlowBatch, concatenate, last_times, start_times
from topics.errors import OutputError

SECOND = 1_000_000_000
START = 1_700_000_100 * SECOND
MINUTE = 60 * SECOND


def flows(seed: int, count: int, minute: float) -> FlowBatch:
    """Flows that all begin within a second of START + `minute` minutes."""
    return random_batch(seed, count, now=START + int(minute * MINUTE))


def sink_to(directory: Path, **settings: Any) -> FileSink:
    return FileSink(directory, **{"pattern": "%Y/%H.%M.%S", "cutting": Cutting(60), "grace": 30, **settings})


def names(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def stored(directory: Path) -> list[bytes]:
    """Keys of all flows in all files, sorted."""
    found = [concatenate(open_reader(str(path))) for path in sorted(directory.rglob("*.parquet"))]
    return sorted(key for batch in found for key in keys(batch))


def keys(batch: FlowBatch) -> list[bytes]:
    return [row["flow_id"].tobytes() + row["status_sequence"].tobytes() for row in batch.records]


def test_flows_go_to_the_file_of_the_minute_they_began_in(tmp_path: Path) -> None:
    sink, batches = sink_to(tmp_path), [flows(1, 20, 0), flows(2, 5, 1.5), flows(3, 7, 0.5)]
    for batch in batches:
        sink.write(batch)
    sink.close()
    assert names(tmp_path) == [".argosy.lock", "2023/22.15.00.parquet", "2023/22.16.00.parquet"]
    assert sum(len(b) for b in open_reader(str(tmp_path / "2023/22.15.00.parquet"))) == 27
    assert stored(tmp_path) == sorted(key for batch in batches for key in keys(batch))
    assert sink.records == 32
    assert sink.files == [tmp_path / "2023/22.15.00.parquet", tmp_path / "2023/22.16.00.parquet"]


def test_a_file_appears_when_the_watermark_has_passed_it_and_late_flows_get_a_further_part(tmp_path: Path) -> None:
    sink = sink_to(tmp_path)
    sink.write(flows(1, 3, 0))
    sink.advance(START + 89 * SECOND)
    assert names(tmp_path) == [".argosy.lock", "2023/.22.15.00.parquet.partial"]
    sink.advance(START + 90 * SECOND)
    assert names(tmp_path) == [".argosy.lock", "2023/22.15.00.parquet"]
    sink.write(flows(2, 3, 0))
    sink.advance(END_OF_RUN)
    sink.close()
    assert names(tmp_path)[1:] == ["2023/22.15.00.1.parquet", "2023/22.15.00.parquet"]


def test_the_footer_tells_what_is_in_the_file(tmp_path: Path) -> None:
    sink, batch = sink_to(tmp_path), flows(4, 9, 0)
    sink.write(batch.select(slice(0, 4)), Position("c/t/0", 7))
    sink.write(batch.select(slice(4, 9)), Position("c/t/0", 9))
    sink.close()
    facts = read_facts(str(tmp_path / "2023/22.15.00.parquet"))
    assert facts["bin"] == [START, START + MINUTE]
    assert facts["records"] == 9
    assert facts["first"] == int(start_times(batch.records).min())
    assert facts["last"] == int(last_times(batch.records).max())
    assert facts["offsets"] == {"c/t/0": [7, 9]}
    assert facts["packets"] == int(batch.records["src_packets"].sum()) + int(batch.records["dst_packets"].sum())
    known = {(o.site, o.probe) for o in batch.observers.values()}
    assert {(o["site"], o["probe"]) for o in facts["observers"]} <= known
    assert sum(o["records"] for o in facts["observers"]) == 9


def test_the_same_run_twice_keeps_each_flow_once(tmp_path: Path) -> None:
    batch = flows(5, 40, 0)
    for order in (slice(None), slice(None, None, -1)):
        sink = sink_to(tmp_path)
        sink.write(batch.select(order))
        sink.close()
    assert names(tmp_path)[1:] == ["2023/22.15.00.parquet"]
    assert stored(tmp_path) == sorted(keys(batch))
    other = sink_to(tmp_path)
    other.write(flows(6, 40, 0))
    other.close()
    assert names(tmp_path)[1:] == ["2023/22.15.00.1.parquet", "2023/22.15.00.parquet"]


def test_offsets_are_safe_only_when_their_files_are_whole(tmp_path: Path) -> None:
    sink = sink_to(tmp_path)
    sink.write(flows(1, 2, 0), Position("p0", 10))
    sink.write(flows(2, 2, 3), Position("p0", 11))
    sink.write(flows(3, 2, 0), Position("p1", 5))
    sink.write(FlowBatch(), Position("p1", 6))
    assert sink.safe_offsets() == {"p0": 10, "p1": 5}
    sink.advance(START + 90 * SECOND)
    assert sink.safe_offsets() == {"p0": 11, "p1": 7}
    sink.flush()
    assert sink.safe_offsets() == {"p0": 12, "p1": 7}
    sink.close()


def test_what_is_read_again_in_the_same_run_is_left_out(tmp_path: Path) -> None:
    sink, batch = sink_to(tmp_path), flows(1, 5, 0)
    for _ in range(2):
        sink.write(batch, Position("p0", 3))
    sink.close()
    assert stored(tmp_path) == sorted(keys(batch))


class Killed(BaseException):
    pass


MESSAGES = [(offset, concatenate([flows(offset, 3, offset / 4), flows(100 + offset, 2, 0.1)])) for offset in range(24)]


def read_messages(sink: FileSink, committed: int, steps: int) -> int:
    """Feed messages from the committed offset on, commit as a consumer would, be killed after so many messages."""
    for offset, batch in MESSAGES[committed:]:
        if not steps:
            raise Killed
        steps -= 1
        sink.write(batch, Position("p0", offset))
        sink.advance(START + int(offset / 4 * MINUTE))
        if offset % 3 == 0:
            committed = sink.safe_offsets()["p0"]
    sink.close()
    return committed


@pytest.mark.parametrize("killed_after", [(1,), (7, 3), (12, 12, 5), (20, 1, 20, 1), (23,)])
def test_kills_between_messages_lose_and_double_nothing(tmp_path: Path, killed_after: tuple[int, ...]) -> None:
    committed = 0
    for steps in killed_after:
        committed = die_after(tmp_path, committed, steps)
    read_messages(sink_to(tmp_path), committed, 100)
    assert stored(tmp_path) == sorted(key for _, batch in MESSAGES for key in keys(batch))
    assert not [name for name in names(tmp_path) if name.endswith(".partial")]


def die_after(directory: Path, committed: int, steps: int) -> int:
    """Leave everything as kill -9 would: open files stay beside their names, only the lock goes with the process."""
    sink = sink_to(directory)
    for offset, batch in MESSAGES[committed : committed + steps]:
        sink.write(batch, Position("p0", offset))
        sink.advance(START + int(offset / 4 * MINUTE))
        if offset % 3 == 0:
            committed = sink.safe_offsets()["p0"]
    for part in sink._parts.values():
        assert isinstance(part.writer, ParquetWriter)
        part.writer._file.is_open = False
        part.writer._destination.stream.close()
    sink._place.close()
    return committed


def test_killed_after_the_rename_and_before_the_commit_nothing_is_doubled(tmp_path: Path) -> None:
    sink = sink_to(tmp_path)
    for offset, batch in MESSAGES:
        sink.write(batch, Position("p0", offset))
    sink.close()
    whole = stored(tmp_path)
    read_messages(sink_to(tmp_path), 0, 100)
    assert stored(tmp_path) == whole == sorted(key for _, batch in MESSAGES for key in keys(batch))


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize(
    "step",
    [
        "pyarrow.parquet.ParquetWriter.write_table",
        "pyarrow.parquet.ParquetWriter.close",
        "os.fsync",
        "pathlib.Path.replace",
    ],
)
def test_a_failing_write_leaves_no_trace_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    sink = sink_to(tmp_path)
    sink.write(flows(1, 10, 0), Position("p0", 3))
    monkeypatch.setattr(step, fail)
    with pytest.raises(OutputError, match=rf"22\.15\.00\.parquet: {os.strerror(error)}"):
        sink.close()
    assert names(tmp_path) == [".argosy.lock"]
    assert sink.safe_offsets() == {}
    monkeypatch.undo()
    again = sink if error == errno.ENOSPC else sink_to(tmp_path)  # one that found no room goes on
    again.write(flows(1, 10, 0), Position("p0", 3))
    again.close()
    assert len(stored(tmp_path)) == 10


def test_only_one_sink_writes_to_a_directory(tmp_path: Path) -> None:
    sink = sink_to(tmp_path)
    with pytest.raises(OutputError, match=f"{tmp_path}: another sink"):
        sink_to(tmp_path)
    sink.close()
    sink_to(tmp_path).close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="file/data"):
        FileSink(tmp_path / "file/data")


def test_few_files_are_open_and_few_records_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_WAITING", 25)
    sink, batches = sink_to(tmp_path, most_open=3), [flows(seed, 10, seed) for seed in range(8)]
    for batch in batches:
        sink.write(batch)
        assert len(sink._parts) <= 3
        assert sink._waiting <= 25
    sink.close()
    assert stored(tmp_path) == sorted(itertools.chain.from_iterable(keys(batch) for batch in batches))


def test_a_foreign_file_under_the_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "2023").mkdir()
    (tmp_path / "2023/22.15.00.parquet").write_text("a note")
    sink = sink_to(tmp_path)
    sink.write(flows(1, 3, 0))
    sink.close()
    assert (tmp_path / "2023/22.15.00.parquet").read_text() == "a note"
    assert len(next(open_reader(str(tmp_path / "2023/22.15.00.1.parquet")))) == 3


def test_lean_files_are_told_apart_though_they_have_no_flow_ids(tmp_path: Path) -> None:
    first, second = flows(1, 20, 0), flows(2, 20, 0)
    for batches in ([first], [first], [first, second]):
        sink = sink_to(tmp_path, layout="lean", cutting=Cutting(60, count=20))
        for batch in batches:
            sink.write(batch)
        sink.close()
    found = [path for path in names(tmp_path) if path.endswith(".parquet")]
    assert found == ["2023/22.15.00.1.parquet", "2023/22.15.00.parquet"]
    kept = sorted(
        int(n) for path in tmp_path.rglob("*.parquet") for b in open_reader(str(path)) for n in b.records["src_bytes"]
    )
    assert kept == sorted(int(n) for n in concatenate([first, second]).records["src_bytes"])
