"""Files of the lean layout: both readers give what is kept exactly, and nothing for what is left out."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sinks.formats import open_reader
from sinks.formats.parquet import LEAN, ParquetWriter, layout_of, read_facts
from sinks.formats.scan import SCHEMA, scan
from tests.random_batches import random_batch
from topics.batch import FlowBatch, concatenate, records_like, start_times
from topics.frame import ARROW_SCHEMA, to_arrow
from topics.lean import LEFT_OUT


def in_words(batch: FlowBatch) -> pl.DataFrame:
    return pl.DataFrame(to_arrow(batch)).cast({pl.Categorical: pl.String})


@pytest.fixture
def lean(tmp_path: Path) -> tuple[FlowBatch, str]:
    batch, path = random_batch(3, 400), str(tmp_path / "lean.parquet")
    with ParquetWriter(path, LEAN) as writer:
        writer.write(batch)
        writer.describe({"records": 400})
    return batch, path


def test_what_is_left_out_is_named_as_the_record_has_it() -> None:
    assert set(ARROW_SCHEMA.names) >= LEFT_OUT
    assert len(ARROW_SCHEMA.names) - len(LEFT_OUT) == 66


def test_what_is_kept_is_read_exactly_and_the_rest_is_absent(lean: tuple[FlowBatch, str]) -> None:
    batch, path = lean
    found = concatenate(open_reader(path))
    kept = sorted(set(ARROW_SCHEMA.names) - LEFT_OUT)
    assert in_words(found).select(kept).equals(in_words(batch).select(kept))
    left_out = sorted(LEFT_OUT - {"flow_start"})
    assert in_words(found).select(left_out).equals(in_words(FlowBatch(records_like(400))).select(left_out))
    assert np.array_equal(found.records["flow_start"], start_times(batch.records))


def test_both_readers_agree(lean: tuple[FlowBatch, str]) -> None:
    _, path = lean
    frame = scan([path]).collect()
    assert frame.schema == SCHEMA
    assert frame.cast({pl.Categorical: pl.String}).equals(in_words(concatenate(open_reader(path))))


def test_files_of_both_layouts_together_are_whole_ones(lean: tuple[FlowBatch, str]) -> None:
    facts = read_facts(lean[1])
    assert facts["layout"] == LEAN
    assert layout_of([facts, facts]) == LEAN
    assert layout_of([facts, {"layout": "whole"}]) == layout_of([facts, {}]) == "whole"
