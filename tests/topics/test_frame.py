import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_batches import OBSERVERS, random_batch, same
from topics import frame
from topics.batch import FlowBatch, Observer, records_like
from topics.columns import BLOCK
from topics.errors import InputError
from topics.pieces import MANY_PIECES
from topics.schema import flow_fields


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_records_survive_the_way_to_arrow_and_back(seed: int, count: int) -> None:
    batch = random_batch(seed, count)
    arrow = frame.to_arrow(batch)
    arrow.validate(full=True)
    same(frame.from_arrow(arrow), batch)


def test_more_records_than_one_block_keep_their_order() -> None:
    batch = random_batch(1, 2 * BLOCK + 7, heap=False)
    same(frame.from_arrow(frame.to_arrow(batch)), batch)


def test_slices_tables_and_polars_frames_give_the_same_records() -> None:
    batch = random_batch(3, 50)
    arrow = frame.to_arrow(batch)
    same(frame.from_arrow(arrow.slice(17, 20)), batch.select(slice(17, 37)))
    same(frame.from_arrow(pa.Table.from_batches([arrow.slice(0, 10), arrow.slice(10)])), batch)
    same(frame.from_arrow(pl.from_arrow(arrow).to_arrow()), batch)


def test_each_field_is_one_column_and_the_observer_three() -> None:
    names = [name for field in flow_fields() for name in ([field.name] if field.name != "observer" else _names())]
    assert frame.ARROW_SCHEMA.names == names
    assert frame.ARROW_SCHEMA.field("src_address").type == pa.binary(16)
    assert frame.ARROW_SCHEMA.field("src_first").type == pa.timestamp("ns", "UTC")
    assert frame.ARROW_SCHEMA.field("src_packets").type == pa.int64()


def _names() -> list[str]:
    return ["site", "probe", "interface"]


def test_a_direction_without_packets_has_no_time() -> None:
    records = records_like(2)
    records["dst_first"][1] = 5
    assert frame.to_arrow(FlowBatch(records=records)).column("dst_first").cast(pa.int64()).to_pylist() == [None, 5]


def test_polars_sees_addresses_that_compare_and_words_for_causes() -> None:
    records = records_like(2)
    records["src_address"][1] = 7
    records["cause"] = [0, 3]
    table = pl.from_arrow(frame.to_arrow(FlowBatch(records=records)))
    assert isinstance(table, pl.DataFrame)
    assert table.filter(pl.col("src_address") == bytes([7]) * 16)["cause"].cast(pl.String).to_list() == ["timeout"]
    assert table.schema["src_first"] == pl.Datetime("ns", "UTC")


def test_an_observer_that_the_batch_does_not_list_is_named_after_its_header() -> None:
    batch = frame.from_arrow(frame.to_arrow(FlowBatch(records=records_like(3), site="lyon", probe="tap")))
    assert batch.observers == {Observer("lyon", "tap", "").id: Observer("lyon", "tap", "")}
    assert (batch.site, batch.probe) == ("lyon", "tap")


def test_observers_come_back_with_the_ids_the_records_carry() -> None:
    records = records_like(4)
    records["observer"] = [OBSERVERS[n].id for n in (0, 1, 3, 0)]
    batch = FlowBatch(records=records, observers={o.id: o for o in OBSERVERS})
    back = frame.from_arrow(frame.to_arrow(batch))
    assert back.records["observer"].tolist() == records["observer"].tolist()
    assert set(back.observers) == {OBSERVERS[n].id for n in (0, 1, 3)}


def test_consecutive_payloads_are_not_copied() -> None:
    records = records_like(2)
    records["src_payload_offset"], records["src_payload_length"] = [0, 3], [3, 2]
    heap = np.frombuffer(b"abcde", np.uint8).copy()
    column = frame.to_arrow(FlowBatch(records=records, heap=heap)).column("src_payload")
    assert column.to_pylist() == [b"abc", b"de"]
    assert column.buffers()[2].address == heap.ctypes.data


@pytest.mark.parametrize(
    "pieces",
    [
        [(2, 3), (7, 1), (8, 2)],  # in order, with gaps and without
        [(7, 1), (2, 3), (8, 2)],  # in no order
        [(2, 3), (4, 3), (4, 3)],  # over each other
        [(0, 1), (9_999, 1)],  # far apart
        [(4_000_000_000, 0), (2, 3), (0, 0), (7, 3), (9_000, 0)],  # nothing, which may lie anywhere
        [(9_990, 5), (9_999, 1)],  # at the end
    ],
)
def test_payloads_are_found_wherever_they_lie(pieces: list[tuple[int, int]]) -> None:
    records = records_like(len(pieces))
    records["src_payload_offset"], records["src_payload_length"] = zip(*pieces, strict=True)
    heap = np.random.default_rng(1).integers(0, 256, 10_000, dtype=np.uint8)
    column = frame.to_arrow(FlowBatch(records=records, heap=heap)).column("src_payload")
    assert column.to_pylist() == [heap[start : start + size].tobytes() for start, size in pieces]


def test_many_payloads_are_found_wherever_they_lie() -> None:
    random = np.random.default_rng(1)
    heap = random.integers(0, 256, 10_000, dtype=np.uint8)
    sizes = random.integers(0, 70, MANY_PIECES)
    starts = random.integers(0, len(heap) - sizes + 1)
    starts[7], sizes[7], starts[8], sizes[8] = len(heap) - 3, 3, len(heap), 0  # at the end
    test_payloads_are_found_wherever_they_lie(list(zip(starts.tolist(), sizes.tolist(), strict=True)))


MANY_MORE = [(0, 1), (4, 3)] * MANY_PIECES


@pytest.mark.parametrize(
    "pieces",
    [[(2, 3), (9, 2)], [(9, 2), (2, 3)], [(2, 3), (4_000_000_000, 1)], [*MANY_MORE, (9, 2)], [*MANY_MORE, (12, 1)]],
)
def test_payloads_that_lie_beyond_the_heap_are_none(pieces: list[tuple[int, int]]) -> None:
    records = records_like(len(pieces))
    records["src_payload_offset"], records["src_payload_length"] = zip(*pieces, strict=True)
    with pytest.raises(IndexError):
        frame.to_arrow(FlowBatch(records=records, heap=np.zeros(10, np.uint8)))


def _replaced(name: str, array: object) -> pa.Table:
    table = pa.Table.from_batches([frame.to_arrow(random_batch(2, 3))])
    return table.set_column(table.schema.get_field_index(name), name, array)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("src_port", pa.array(["80", "80", "80"]), "is of type string, not uint16"),
        ("src_port", pa.array([80, 70_000, 80]), "does not fit uint16"),
        ("src_packets", pa.array([1, None, 1]), "has missing values"),
        ("src_address", pa.array([b"x" * 16, b"y" * 15, b"z" * 16]), "does not fit fixed_size_binary"),
        ("cause", pa.array(["start", "boredom", "start"]), "unknown word, 'boredom'"),
        ("site", pa.DictionaryArray.from_arrays([0, 0, 0], pa.array([None], pa.string())), "has missing values"),
        ("src_first", pa.array([1, 2, 3]), "is of type int64, not timestamp"),
    ],
)
def test_a_column_of_another_kind_is_named(name: str, values: object, reason: str) -> None:
    with pytest.raises(InputError, match=f"column '{name}'.*{reason}"):
        frame.from_arrow(_replaced(name, values))


def test_wider_integers_and_other_string_types_are_taken_where_they_fit() -> None:
    expected = random_batch(2, 3)
    expected.records["src_port"] = [1, 2, 65535]
    table = _replaced("src_port", pa.array([1, 2, 65535]))
    labels = table.column("labels").cast(pa.large_string())
    table = table.set_column(table.schema.get_field_index("labels"), "labels", labels)
    same(frame.from_arrow(table), expected)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="column 'tcp_state' is missing"):
        frame.from_arrow(frame.to_arrow(random_batch(2, 3)).drop_columns(["tcp_state"]))


def test_a_field_younger_than_the_file_takes_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "OPTIONAL", {"src_prefix_length"})
    older = frame.to_arrow(random_batch(2, 3)).drop_columns(["src_prefix_length"])
    assert frame.from_arrow(older).records["src_prefix_length"].tolist() == [128, 128, 128]
