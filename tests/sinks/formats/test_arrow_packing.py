"""Batches that a kernel packs into Arrow files: what pyarrow and Polars read is what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from sinks.formats import arrow, open_reader
from sinks.formats.arrow import ArrowWriter
from sinks.formats.arrow_packing import LEAST, MOST, ArrowPacker
from tests.random_batches import random_batch
from topics.frame import to_arrow

if TYPE_CHECKING:
    from pathlib import Path

    from topics.batch import FlowBatch


def of_one(batch: FlowBatch) -> FlowBatch:
    """Let one observer have seen all records."""
    batch.records["observer"] = batch.records["observer"][0]
    return batch


def alike(seed: int, count: int) -> FlowBatch:
    """Return records as they are seen: columns of one value, of few, of small numbers, of times close together."""
    random = np.random.default_rng(seed)
    batch = of_one(random_batch(seed, count))
    records = batch.records
    for number, name in enumerate(records.dtype.names or ()):
        if name.endswith(("_offset", "_length")) or name in {"observer", "cause", "verdict", "status_sequence"}:
            continue
        column, kind = records[name], records.dtype[name]
        if kind.shape:
            column[:, : number % kind.shape[0]] = 7
            column[random.random(count) < 0.4] = column[0]
        elif number % 4 == 0:
            column[:] = column[0]
        elif number % 4 == 1:
            column[:] = random.integers(0, 250, count)
        elif number % 4 == 2:
            column[:] = np.where(random.random(count) < 0.9, column[0], column)
    return batch


def read(path: Path) -> list[pa.RecordBatch]:
    with path.open("rb") as file:
        batches = list(pa.ipc.open_stream(file))
    for batch in batches:
        batch.validate(full=True)
    return batches


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many records were packed by the kernel, a batch each."""
    counts: list[int] = []

    class Counted(ArrowPacker):
        def packed(self, batch: FlowBatch) -> tuple[bytes, memoryview]:
            counts.append(len(batch))
            return super().packed(batch)

    monkeypatch.setattr(arrow, "ArrowPacker", Counted)
    return counts


@pytest.mark.parametrize(
    "make", [alike, lambda seed, count: of_one(random_batch(seed, count))], ids=["alike", "random"]
)
def test_what_is_packed_reads_as_what_pyarrow_writes(tmp_path: Path, packed: list[int], make) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a function of a seed and a size
    sizes = [LEAST, LEAST, LEAST + 1, 1500, 4099, 8188]
    batches = [make(seed, size) for seed, size in enumerate(sizes)]
    for batch in batches:
        batch.records["observer"] = batches[0].records["observer"][0]
        batch.observers.update(batches[0].observers)
    path = tmp_path / "x.arrow"
    with ArrowWriter(str(path)) as writer:
        for batch in batches:
            writer.write(batch)
    assert packed == sizes[1:]
    found = read(path)
    assert [len(each) for each in found] == sizes
    for batch, each in zip(batches, found, strict=True):
        expected = to_arrow(batch)
        different = [name for name in expected.schema.names if not expected[name].equals(each[name])]
        assert not different
    assert pl.read_ipc_stream(path).height == sum(sizes)
    assert sum(len(each) for each in open_reader(str(path))) == sum(sizes)


def test_columns_of_one_value_take_next_to_nothing(tmp_path: Path) -> None:
    batch = of_one(random_batch(1, 8000))
    batch.records[:] = batch.records[0]
    for name in (name for name in batch.records.dtype.names or () if name.endswith("_length")):
        batch.records[name] = 0
    path = tmp_path / "x.arrow"
    with ArrowWriter(str(path)) as writer:
        for _ in range(10):
            writer.write(batch)
    assert path.stat().st_size < 10 * 8000 * 8
    assert all(each.equals(to_arrow(batch)) for each in read(path))


def test_other_observers_and_few_or_many_records_go_the_other_way(tmp_path: Path, packed: list[int]) -> None:
    first, second, mixed = of_one(random_batch(1, LEAST)), of_one(random_batch(2, LEAST)), random_batch(3, LEAST)
    second.records["observer"] = 1 - first.records["observer"]  # which nobody has listed
    many = first.select(np.zeros(MOST + 1, np.int64))
    few = first.select(slice(0, LEAST - 1))
    order = [first, first, second, first, first, mixed, first, few, first, many]
    path = tmp_path / "x.arrow"
    with ArrowWriter(str(path)) as writer:
        for batch in order:
            writer.write(batch)
    assert packed == [LEAST, LEAST, LEAST]
    for batch, each in zip(order, read(path), strict=True):
        expected = to_arrow(batch)
        assert expected["flow_id"].equals(each["flow_id"])
        for name in ("site", "probe", "interface", "src_payload"):
            assert expected[name].to_pylist() == each[name].to_pylist()
