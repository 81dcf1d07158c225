import io
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sinks.formats import open_writer
from sinks.formats import scan as scan_module
from sinks.formats.scan import SCHEMA, reading, scan
from tests.random_batches import random_batch
from topics.batch import FlowBatch, concatenate
from topics.errors import InputError, UsageError
from topics.frame import to_arrow


def written(path: Path, batch: FlowBatch) -> str:
    with open_writer(str(path)) as writer:
        writer.write(batch)
    return str(path)


def expected(*batches: FlowBatch) -> pl.DataFrame:
    return pl.DataFrame(to_arrow(concatenate(batches)))


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "avro"])
def test_records_are_those_that_were_written(tmp_path: Path, suffix: str) -> None:
    batch = random_batch(1, 300)
    found = scan([written(tmp_path / f"x.{suffix}", batch)]).collect()
    assert found.schema == SCHEMA
    assert as_text(found).equals(as_text(expected(batch)))


def test_files_of_several_kinds_follow_each_other_in_the_order_given(tmp_path: Path) -> None:
    one, two, three = (random_batch(seed, 10) for seed in (1, 2, 3))
    paths = [
        written(tmp_path / "b.parquet", one),
        written(tmp_path / "a.arrow", two),
        written(tmp_path / "c.parquet", three),
    ]
    assert as_text(scan(paths).collect()).equals(as_text(expected(one, two, three)))
    assert scan([]).collect().schema == SCHEMA


def test_addresses_compare_as_bytes(tmp_path: Path) -> None:
    batch = random_batch(1, 50)
    wanted = batch.records["src_address"][7].tobytes()
    found = scan([written(tmp_path / "x.parquet", batch)]).filter(pl.col("src_address") == wanted).collect()
    assert found["src_port"].to_list() == [int(batch.records["src_port"][7])]


def test_parquet_is_scanned_without_numba_pyarrow_or_numpy_records(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", random_batch(1, 5))
    code = (
        "import sys; from sinks.formats.scan import scan; print(scan([sys.argv[1]]).collect().height);"
        "print([m for m in ('numba', 'pyarrow', 'topics.record', 'fastavro') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["5", "[]"]


def test_the_schema_matches_what_writers_write() -> None:
    assert pl.DataFrame(to_arrow(random_batch(1, 1))).schema == SCHEMA


def foreign(path: Path, frame: pl.DataFrame) -> str:
    frame.write_parquet(path)
    return str(path)


def test_a_column_that_is_missing_or_of_another_type_is_named(tmp_path: Path) -> None:
    whole = expected(random_batch(1, 5))
    with pytest.raises(InputError, match=r"x\.parquet: column 'src_port' is missing"):
        scan([foreign(tmp_path / "x.parquet", whole.drop("src_port"))])
    with pytest.raises(InputError, match=r"x\.parquet: column 'src_port' is of type String, not UInt16"):
        scan([foreign(tmp_path / "x.parquet", whole.cast({"src_port": pl.String}))])


def test_an_older_file_takes_defaults_and_a_newer_one_loses_what_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = expected(random_batch(1, 5))
    monkeypatch.setattr(scan_module, "DEFAULTS", {"src_prefix_length": 128})
    other = whole.drop("src_prefix_length").with_columns(of_tomorrow=pl.lit(1))
    found = scan([foreign(tmp_path / "x.parquet", other)]).collect()
    assert found.schema == SCHEMA
    assert found["src_prefix_length"].to_list() == [128] * 5


def test_words_stored_as_plain_strings_are_taken(tmp_path: Path) -> None:
    whole = expected(random_batch(1, 5))
    found = scan([foreign(tmp_path / "x.parquet", as_text(whole))]).collect()
    assert found.schema == SCHEMA


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "avro"])
@pytest.mark.parametrize("content", [b"hello, this is text\n" * 50, b"\0", b"PAR1", b"\xff\xff\xff\xff\0\0\0\0"])
def test_something_else_under_the_name_is_said_to_be_so(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^{path}: [^\n]+$"):
        scan([str(path)]).collect()


def test_missing_empty_and_directory_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.parquet").touch()
    (tmp_path / "d.parquet").mkdir()
    for name, said in (("no.parquet", "No such file"), ("empty.parquet", "is empty"), ("d.parquet", "is a directory")):
        with pytest.raises(InputError, match=f"{name}: {said}"):
            scan([str(tmp_path / name)])
    (tmp_path / "x.csv").write_text("a,b")
    with pytest.raises(UsageError, match="not read back"):
        scan([str(tmp_path / "x.csv")])
    (tmp_path / "x.pcap").write_text("a,b")
    with pytest.raises(UsageError, match=r"unknown suffix '\.pcap', known are \.arrow, \.parquet"):
        scan([str(tmp_path / "x.pcap")])


def test_a_cut_stream_is_no_whole_one_wherever_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    data = Path(written(path, random_batch(1, 30))).read_bytes()
    for cut in range(1, len(data), len(data) // 40):
        path.write_bytes(data[:-cut])
        with pytest.raises(InputError, match=f"^{path}: "):
            scan([str(path)]).collect()
    path.write_bytes(data[:-8])  # between two messages
    with pytest.raises(InputError, match="its writer was cut off"):
        scan([str(path)])


def test_damage_inside_a_parquet_file_is_named_when_the_frame_is_collected(tmp_path: Path) -> None:
    good = written(tmp_path / "good.parquet", random_batch(1, 30))
    path = written(tmp_path / "bad.parquet", random_batch(2, 30))
    data = bytearray(Path(path).read_bytes())
    data[4:400] = bytes(396)
    Path(path).write_bytes(data)
    frame = scan([good, path])
    with pytest.raises(InputError, match=rf"^{path}: damaged: [^\n]+$"), reading([good, path]):
        frame.collect()


def test_a_stream_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    sink, batch = io.BytesIO(), random_batch(3, 12)
    arrow = to_arrow(batch)
    with pa.ipc.new_stream(sink, arrow.schema) as stream:
        stream.write_batch(arrow)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sink.getvalue())))
    assert as_text(scan(["-"]).collect()).equals(as_text(expected(batch)))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(InputError, match="-: no flow records"):
        scan(["-"])


def test_several_row_groups_are_one_frame(tmp_path: Path) -> None:
    batch = random_batch(5, 100)
    pq.write_table(pa.Table.from_batches([to_arrow(batch)]), tmp_path / "x.parquet", row_group_size=7)
    assert as_text(scan([str(tmp_path / "x.parquet")]).collect()).equals(as_text(expected(batch)))
