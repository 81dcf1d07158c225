"""Columns that say nothing are not decoded, and both readers give what is in the file all the same."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sinks.formats import footer, open_reader, open_writer
from sinks.formats.parquet import read_columns
from sinks.formats.scan import SCHEMA, scan
from tests.random_batches import random_batch
from topics.batch import FlowBatch, concatenate, records_like
from topics.frame import ARROW_SCHEMA, to_arrow


def written(path: Path, *batches: FlowBatch) -> str:
    with open_writer(str(path)) as writer:
        for batch in batches:
            writer.write(batch)
    return str(path)


def in_words(batch: FlowBatch) -> pl.DataFrame:
    return pl.DataFrame(to_arrow(batch)).cast({pl.Categorical: pl.String})


def said(path: str) -> frozenset[str]:
    return footer.decoded(pl.read_parquet_metadata(path).get(footer.METADATA_KEY))


def nearly_nothing() -> FlowBatch:
    records = records_like(50)
    records["flow_id"][:, 0], records["src_first"], records["src_bytes"] = range(50), range(1, 51), range(50)
    records["src_vlan"][49] = 3
    return FlowBatch(records)


@pytest.mark.parametrize("batch", [nearly_nothing(), FlowBatch(records_like(7)), random_batch(5, 300)])
def test_both_readers_give_what_was_written(tmp_path: Path, batch: FlowBatch) -> None:
    path = written(tmp_path / "x.parquet", batch)
    frame = scan([path]).collect()
    assert frame.schema == SCHEMA
    assert frame.cast({pl.Categorical: pl.String}).equals(in_words(batch))
    assert in_words(concatenate(open_reader(path))).equals(in_words(batch))


def test_columns_say_nothing_where_no_record_says_anything(tmp_path: Path) -> None:
    silent = said(written(tmp_path / "x.parquet", nearly_nothing()))
    assert silent == footer.CANDIDATES - {"flow_id", "src_first", "src_bytes", "src_vlan"}
    assert {"labels", "dst_first", "icmp_error_router", "records", "src_prefix_length"} < silent


def test_they_are_not_decoded_and_rows_are_counted_though_only_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    written(path, nearly_nothing())
    place = pq.read_metadata(path).row_group(0).column(ARROW_SCHEMA.get_field_index("dst_bytes"))
    data = bytearray(path.read_bytes())
    start = place.dictionary_page_offset
    data[start : start + place.total_compressed_size] = bytes(place.total_compressed_size)
    path.write_bytes(data)
    assert scan([str(path)]).select("dst_bytes").collect()["dst_bytes"].to_list() == [0] * 50
    assert [part.column("dst_bytes").to_pylist() for part in read_columns(str(path), ["dst_bytes"])] == [[0] * 50]


@pytest.mark.parametrize("text", [None, "", "{", "17", '{"a": 1}', '["src_bytes"', "[" * 70_000, '["cause", "x", 5]'])
def test_footers_that_say_something_else_name_no_columns(text: str | None) -> None:
    assert footer.decoded(text) == frozenset()


def test_columns_of_another_type_are_looked_at_whatever_the_footer_says(tmp_path: Path) -> None:
    table = pa.Table.from_batches([to_arrow(nearly_nothing())])
    table = table.set_column(table.schema.get_field_index("dst_bytes"), "dst_bytes", pa.array(["no"] * 50))
    path = str(tmp_path / "x.parquet")
    pq.write_table(table.replace_schema_metadata({footer.METADATA_KEY: '["dst_bytes"]'}), path)
    with pytest.raises(Exception, match="column 'dst_bytes' is of type"):
        scan([path])
    assert np.all(said(path) == {"dst_bytes"})
