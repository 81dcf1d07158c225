import csv
import fcntl
import gc
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks.formats import open_reader, open_writer
from sinks.formats import parquet as parquet_module
from sinks.formats.arrow import END_MARK
from sinks.formats.parquet import LAYOUTS, ParquetWriter
from tests.random_batches import random_batch, same
from topics.address_text import IPV4_MAPPED
from topics.batch import FlowBatch, concatenate, records_like
from topics.errors import InputError, OutputError, UsageError

READABLE = ["arrow", "parquet", "avro"]
WRITABLE = [*READABLE, "csv", "jsonl"]


def write(path: Path, *batches: FlowBatch) -> Path:
    with open_writer(str(path)) as writer:
        for batch in batches:
            writer.write(batch)
    return path


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def read(path: Path) -> FlowBatch:
    return concatenate(open_reader(str(path)))


@pytest.mark.parametrize("suffix", READABLE)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 40), max_size=4), seed=st.integers(0, 2**32))
def test_records_survive_in_a_file(tmp_path: Path, suffix: str, sizes: list[int], seed: int) -> None:
    batches = [random_batch(seed + number, size) for number, size in enumerate(sizes)]
    same(read(write(tmp_path / f"x.{suffix}", *batches)), concatenate(batches))


@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    path.write_text("what was there before")
    writer = open_writer(str(path))
    writer.write(random_batch(1, 10))
    assert path.read_text() == "what was there before"
    assert names(tmp_path) == [f".x.{suffix}.partial", f"x.{suffix}"]
    writer.abort()
    assert names(tmp_path) == [f"x.{suffix}"]
    assert path.read_text() == "what was there before"
    write(path, random_batch(1, 10))
    assert names(tmp_path) == [f"x.{suffix}"]
    assert path.stat().st_size > len("what was there before")


@pytest.mark.parametrize("suffix", WRITABLE)
def test_an_exception_on_the_way_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    def fail() -> None:
        with open_writer(str(tmp_path / f"x.{suffix}")) as writer:
            writer.write(random_batch(1, 10))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_file_without_records_is_a_file_nevertheless(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"x.{suffix}")
    assert path.is_file()
    if suffix in READABLE:
        assert len(read(path)) == 0


def test_what_a_descriptor_leads_to_takes_records(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 17)  # nobody reads before all is written
    batch = random_batch(1, 3)
    write(Path(f"/dev/fd/{writer}"), batch)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        (tmp_path / "x.arrow").write_bytes(stream.read())
    same(read(tmp_path / "x.arrow"), batch)


def test_a_killed_writer_leaves_a_file_that_the_next_one_takes_over(tmp_path: Path) -> None:
    partial = tmp_path / ".x.parquet.partial"
    partial.write_bytes(b"left behind" * 100_000)
    batch = random_batch(1, 10)
    same(read(write(tmp_path / "x.parquet", batch)), batch)
    assert not partial.exists()


def test_two_writers_of_one_name_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    first = open_writer(str(path))
    with pytest.raises(OutputError, match=r"x\.arrow: another process is writing it"):
        open_writer(str(path))
    first.close()
    assert len(read(write(path, random_batch(1, 2)))) == 2


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "x.parquet").symlink_to(tmp_path / "real" / "y.parquet")
    write(tmp_path / "x.parquet", random_batch(1, 3))
    assert (tmp_path / "x.parquet").is_symlink()
    assert len(read(tmp_path / "real" / "y.parquet")) == 3


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").mkdir()
    with pytest.raises(OutputError, match=r"d\.parquet: is a directory"):
        open_writer(str(tmp_path / "d.parquet"))
    with pytest.raises(OutputError, match=r"absent/x\.parquet: No such file or directory"):
        open_writer(str(tmp_path / "absent" / "x.parquet"))
    with pytest.raises(
        UsageError, match=r"unknown suffix '\.txt', known are \.arrow, \.parquet, \.avro, \.argus, \.csv, \.jsonl"
    ):
        open_writer("x.txt")


@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=rf"x\.{suffix}: No space left"):
        write(tmp_path / f"x.{suffix}", random_batch(1, 10))
    assert names(tmp_path) == []


def test_a_pipe_carries_each_batch_at_once_and_its_end_mark_only_when_all_went_well(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = open_writer("-")
    writer.write(random_batch(1, 5))
    first = capfdbinary.readouterr().out
    assert len(first) > 5 * 500
    writer.close()
    assert capfdbinary.readouterr().out == END_MARK
    writer = open_writer("-")
    writer.write(random_batch(1, 5))
    writer.abort()
    del writer
    gc.collect()
    assert capfdbinary.readouterr().out == first


PIPELINE = """
import sys
from sinks.formats import open_reader, open_writer
with open_writer("-") as writer:
    for batch in open_reader("-"):
        writer.write(batch)
"""


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    path, batch = tmp_path / "x.arrow", random_batch(4, 30)
    write(path, batch.select(slice(0, 10)), batch.select(slice(10, 30)))
    with path.open("rb") as source:
        done = subprocess.run([sys.executable, "-c", PIPELINE], stdin=source, capture_output=True, check=True)
    path.write_bytes(done.stdout)
    same(read(path), batch)


def test_a_reader_that_goes_away_is_a_broken_pipe(tmp_path: Path) -> None:
    code = (
        "import sys; from sinks.formats import open_writer; from tests.random_batches import random_batch\n"
        "writer = open_writer('-'); batch = random_batch(1, 3000)\n"
        "try:\n  [writer.write(batch) for _ in range(99)]\nexcept BrokenPipeError: sys.stderr.write('broken')\n"
        "import os; os._exit(0)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b"broken"
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.parametrize("suffix", READABLE)
def test_something_else_damaged_or_cut_is_said_to_be_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    whole = write(path, random_batch(1, 30)).read_bytes()
    contents = [b"just text\n" * 100, b"\0", whole[:-1], whole[: len(whole) // 2], whole[:40], whole[:-4] + b"oops"]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"^{path}: [^\n]+$"):
            read(path)


@pytest.mark.parametrize("suffix", READABLE)
def test_flipped_bytes_give_records_or_an_error_of_ours(tmp_path: Path, suffix: str) -> None:
    path, generator = tmp_path / f"x.{suffix}", np.random.default_rng(7)
    whole = write(path, random_batch(1, 20)).read_bytes()
    for _ in range(150):
        data = bytearray(whole)
        for place in generator.integers(0, len(data), 3):
            data[place] = generator.integers(0, 256)
        path.write_bytes(data)
        with suppress(InputError):
            read(path)


def test_missing_empty_and_unreadable_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.arrow").touch()
    (tmp_path / "d.avro").mkdir()
    (tmp_path / "x.csv").write_text("a")
    for name, kind, said in (
        ("no.parquet", InputError, "No such file"),
        ("empty.arrow", InputError, "is empty"),
        ("d.avro", InputError, "is a directory"),
        ("x.csv", UsageError, "not read back"),
    ):
        with pytest.raises(kind, match=f"{name}: .*{said}"):
            read(tmp_path / name)


def test_parquet_has_full_row_groups_and_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_module, "ROW_GROUP", 100)
    batches = [random_batch(seed, 70, now=10**18) for seed in range(5)]
    path = write(tmp_path / "x.parquet", *batches)
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [100, 100, 100, 50]
    times = metadata.row_group(0).column(metadata.schema.names.index("src_first"))
    assert times.statistics.has_min_max
    same(read(path), concatenate(batches))


def test_columns_of_parquet_are_compressed_by_what_they_hold(tmp_path: Path) -> None:
    """Differences not at all, what is as short so with lz4, others with zstd; lean files with zstd all over."""
    found = []
    for layout in LAYOUTS:
        path = tmp_path / f"{layout}.parquet"
        with ParquetWriter(str(path), layout) as writer:
            writer.write(random_batch(1, 70, now=10**18))
        group = pq.read_metadata(path).row_group(0)
        columns = [group.column(number) for number in range(group.num_columns)]
        found.append({column.path_in_schema: column.compression for column in columns})
    whole, lean = found
    named = ("src_first", "flow_id", "protocol", "dst_packets", "src_payload", "duration_sum", "src_address")
    assert [whole[name] for name in named] == ["UNCOMPRESSED", *["LZ4"] * 3, *["ZSTD"] * 3]
    assert set(lean.values()) == {"ZSTD"}


def test_other_tools_read_the_parquet_file(tmp_path: Path) -> None:
    batch = random_batch(3, 50, now=10**18)
    path = write(tmp_path / "x.parquet", batch)
    with duckdb.connect() as connection:
        question = f"SELECT sum(src_port), max(octet_length(src_address)), min(cause) FROM '{path}'"
        (found,) = connection.execute(question).fetchall()
    assert found[:2] == (int(batch.records["src_port"].sum()), 16)
    assert found[2] in ("start", "status", "close")


def one_flow() -> FlowBatch:
    records = records_like(2)
    records["ethertype"] = [0x0800, 0x88CC]
    records["src_address"][0] = list(IPV4_MAPPED + bytes([192, 0, 2, 7]))
    records["dst_address"][0] = list(bytes([0x20, 0x01, 0x0D, 0xB8, *bytes(11), 1]))
    records["src_address"][1, 10:] = [2, 0, 0, 0, 0, 9]
    records["src_first"] = 1_700_000_000_000_000_001
    records["cause"] = 3
    records["src_mac"] = [1, 2, 3, 4, 5, 6]
    records["tunnel_addresses_length"] = [32, 0]
    heap = np.frombuffer((IPV4_MAPPED + bytes([10, 0, 0, 1])) * 2, np.uint8)
    return FlowBatch(records=records, heap=heap, site="Göteborg", probe="p")


READABLY = {
    "site": "Göteborg",
    "cause": "timeout",
    "src_address": "192.0.2.7",
    "dst_address": "2001:db8::1",
    "src_first": "2023-11-14T22:13:20.000000001Z",
    "src_mac": "01:02:03:04:05:06",
    "tunnel_addresses": "10.0.0.1 10.0.0.1",
}


def test_json_lines_read_like_words(tmp_path: Path) -> None:
    lines = write(tmp_path / "x.jsonl", one_flow()).read_text().splitlines()
    first, second = map(json.loads, lines)
    assert {name: first[name] for name in READABLY} == READABLY
    assert first["dst_first"] is None
    assert first["icmp_error_router"] is None
    assert second["src_address"] == "02:00:00:00:00:09"
    assert len(first) == len(pl.read_ndjson(tmp_path / "x.jsonl").columns)


def test_csv_has_one_heading_over_all_batches(tmp_path: Path) -> None:
    lines = write(tmp_path / "x.csv", one_flow(), one_flow()).read_text()
    found = list(csv.DictReader(io.StringIO(lines)))
    assert len(found) == 4
    assert {name: found[2][name] for name in READABLY} == READABLY
    assert write(tmp_path / "empty.csv").read_text().startswith("flow_id,site,probe,interface,flow_start")
