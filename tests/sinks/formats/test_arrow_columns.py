import numpy as np
import pyarrow as pa
import pytest

from sinks.formats.arrow import HURRY
from sinks.formats.arrow_columns import ArrowColumns

COUNT = 301
NUMBERS = np.arange(COUNT)
PIECES = [
    pa.array(NUMBERS.astype("u1")),
    pa.array(NUMBERS % 3),
    pa.array(np.random.default_rng(1).random(COUNT)),
    pa.array([None if number % 5 else number for number in range(COUNT)], pa.timestamp("ns", "UTC")),
    pa.nulls(COUNT, pa.timestamp("ns", "UTC")),
    pa.array([bytes([number % 7] * 6) for number in range(COUNT)], pa.binary(6)),
    pa.array(NUMBERS).slice(0, 100),
    pa.array(["a", "b"] * 20).dictionary_encode().indices,
]


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: str(piece.type))
def test_values_of_one_length_are_written_as_pyarrow_writes_them(piece: pa.Array) -> None:
    codec = pa.Codec("lz4", HURRY)
    columns = ArrowColumns(pa.ipc.IpcWriteOptions(compression=codec, use_threads=False), codec)
    (told, body), (expected, whole) = columns._fixed(piece), columns._written(piece)
    assert np.array_equal(told.nodes, expected.nodes)
    assert np.array_equal(told.buffers, expected.buffers)
    assert bytes(body) == whole.to_pybytes()
    columns.forget()
