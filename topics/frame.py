"""Flow records as columns: a FlowBatch becomes an Arrow record batch and back, without a Python loop per record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from topics.batch import FlowBatch, Heap, Observer, concatenate, records_like
from topics.columns import Column, join, split
from topics.errors import InputError, OutputError
from topics.lean import LEFT_OUT
from topics.pieces import gathered
from topics.record import empty_records
from topics.schema import Field, flow_fields, flow_record_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

TIME_UNIT = "ns since 1970-01-01 UTC"
OBSERVER_COLUMNS = ("site", "probe", "interface")
ARROW_TYPES = {"u1": pa.uint8(), "u2": pa.uint16(), "u4": pa.uint32(), "i8": pa.int64(), "f8": pa.float64()}
TIME_TYPE = pa.timestamp("ns", "UTC")
CAUSE_TYPE = pa.dictionary(pa.int8(), pa.string())
NAME_TYPE = pa.dictionary(pa.int32(), pa.string())
FIELDS = {field.name: field for field in flow_fields()}
OPTIONAL = {spec["name"] for spec in flow_record_json()["fields"] if "default" in spec}  # later than the first release
CAUSES = FIELDS["cause"].symbols
MAX_COLUMN_BYTES = 2**31 - 1
MAX_HEAP_BYTES = 2**32 - 1


def _arrow_type(field: Field) -> pa.DataType:
    if field.unit == TIME_UNIT:
        return TIME_TYPE
    if field.kind == "enum":
        return CAUSE_TYPE
    if field.kind == "fixed":
        return pa.binary(field.size)
    if field.store == "heap":
        return pa.string() if field.kind == "string" else pa.binary()
    return ARROW_TYPES[field.store]


def _arrow_fields() -> Iterable[pa.Field]:
    for field in flow_fields():
        if field.name == "observer":
            yield from (pa.field(name, NAME_TYPE) for name in OBSERVER_COLUMNS)
        else:
            yield pa.field(field.name, _arrow_type(field))


ARROW_SCHEMA = pa.schema(_arrow_fields())
KINDS = {field.name: field.type for field in ARROW_SCHEMA}  # a schema takes longer to ask
CAUSE_WORDS = pa.array(CAUSES, pa.string())


def to_arrow(batch: FlowBatch, names: Collection[str] = ARROW_SCHEMA.names) -> pa.RecordBatch:
    """Return the batch as a pyarrow.RecordBatch, one row a record, with the columns `names` of ARROW_SCHEMA or all.

    Times of 0 become null. Raises OutputError when one variable-length column exceeds 2 GiB.
    """
    wanted = [name for name in ARROW_SCHEMA.names if name in names]
    return _arrow(wanted, split(batch.records, _stored(wanted)), batch)


def from_columns(columns: Mapping[str, Column], count: int, observers: Mapping[int, Observer]) -> pa.RecordBatch:
    """Return `count` records as a pyarrow.RecordBatch; a column may be one value, for all of them.

    `columns` are fields of FLOW_DTYPE without variable length; those that are missing are empty when they are such,
    and left out otherwise. Octets have shape (count, size) or (1, size).
    """
    whole = {name: _repeated(column, count) for name, column in columns.items()}
    stored = {name: _stored([name]) for name in ARROW_SCHEMA.names}
    for name in (name for name, parts in stored.items() if len(parts) > 1):
        whole |= dict.fromkeys(stored[name], np.zeros(count, np.uint32))
    wanted = [name for name, parts in stored.items() if all(part in whole for part in parts)]
    return _arrow(wanted, whole, FlowBatch(observers=dict(observers)))


def _repeated(column: Column, count: int) -> Column:
    return np.ascontiguousarray(column) if len(column) == count else np.repeat(column, count, axis=0)


def _arrow(wanted: list[str], columns: dict[str, Any], batch: FlowBatch) -> pa.RecordBatch:
    if "observer" in columns:
        columns.update(_observer_columns(batch, columns.pop("observer")))
    arrays = [_arrow_array(name, columns, batch.heap) for name in wanted]
    whole = len(wanted) == len(ARROW_SCHEMA)
    schema = ARROW_SCHEMA if whole else pa.schema([ARROW_SCHEMA.field(name) for name in wanted])
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _stored(names: Iterable[str]) -> list[str]:
    """Return the fields of FLOW_DTYPE that columns are made of."""
    stored: dict[str, None] = {}
    for name in names:
        if name in OBSERVER_COLUMNS:
            stored["observer"] = None
        elif FIELDS[name].store == "heap":
            stored |= dict.fromkeys((f"{name}_offset", f"{name}_length"))
        else:
            stored[name] = None
    return list(stored)


def from_arrow(data: pa.RecordBatch | pa.Table) -> FlowBatch:
    """Return the records of a pyarrow.RecordBatch or Table; columns it has beyond ARROW_SCHEMA are left out.

    Raises InputError naming the column that is missing, has another type, null or out-of-range values.
    """
    if isinstance(data, pa.Table):
        return concatenate(from_arrow(part) for part in data.combine_chunks().to_batches())
    count = data.num_rows
    records = empty_records(count)
    columns, observers, heap = to_columns(data)
    join(records, columns)
    first = next(iter(observers.values()), Observer("", "", ""))
    return FlowBatch(records=records, heap=heap, site=first.site, probe=first.probe, observers=observers)


def to_columns(
    data: pa.RecordBatch, names: Collection[str] = ARROW_SCHEMA.names
) -> tuple[dict[str, Column], dict[int, Observer], Heap]:
    """Return the columns `names` as fields of FLOW_DTYPE, who is behind each observer id, and the heap.

    Octets have shape (rows, size); what an older file lacks has its default. Raises InputError as from_arrow does.
    """
    columns, heaps = dict[str, Column](), list[Heap]()
    for name in (name for name in KINDS if name in names):
        array = _typed(data, name)
        if array is None:
            columns |= _absent(name, data)
        else:
            _take_column(name, array, columns, heaps)
    observers = _observers(columns, data.num_rows) if all(name in columns for name in OBSERVER_COLUMNS) else {}
    return columns, observers, np.concatenate(heaps) if heaps else np.zeros(0, np.uint8)


def _absent(name: str, data: pa.RecordBatch) -> dict[str, Column]:
    """Return what a column that a file has not holds: the default, or what the lean layout leaves out."""
    if name == "flow_start":
        times, _, _ = to_columns(data, ("src_first", "dst_first"))
        src, dst = times["src_first"], times["dst_first"]
        return {name: np.where((src > 0) & (dst > 0), np.minimum(src, dst), np.maximum(src, dst))}
    default = records_like(1)
    return {stored: np.repeat(default[stored], data.num_rows, axis=0) for stored in _stored([name])}


def check(data: pa.RecordBatch, names: Iterable[str]) -> None:
    """Raise InputError, as from_arrow does, for one of these columns that is missing, of another type or has nulls."""
    for name in names:
        _typed(data, name)


def conformed(data: pa.RecordBatch) -> pa.RecordBatch:
    """Return a record batch whose columns are those of ARROW_SCHEMA, though of other types, with the types of it.

    Raises InputError as from_arrow does.
    """
    arrays = []
    for name in ARROW_SCHEMA.names:
        array = _typed(data, name)
        if array is None:
            return to_arrow(from_arrow(data))
        arrays.append(_with_causes(array) if name == "cause" else array)
    return pa.RecordBatch.from_arrays(arrays, schema=ARROW_SCHEMA)


def conformed_column(name: str, array: pa.Array) -> pa.Array:
    """Return a column with its type of ARROW_SCHEMA; raises InputError as from_arrow does."""
    array = _of_type(array, name)
    return _with_causes(array) if name == "cause" else array


def _with_causes(array: pa.DictionaryArray) -> pa.DictionaryArray:
    codes = _cause_codes(array).view(np.int8)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(CAUSES, pa.string()))


def _observer_columns(batch: FlowBatch, ids: Column) -> dict[str, Any]:
    """Return the dictionary arrays of site, probe and interface; an id nobody listed is named after the header."""
    known, codes = _distinct(ids)
    unlisted = Observer(batch.site, batch.probe, "")
    observers = [batch.observers.get(int(number), unlisted) for number in known]
    return {name: _words([getattr(o, name) for o in observers], codes) for name in OBSERVER_COLUMNS}


def only_observer(batch: FlowBatch) -> Observer | None:
    """Return who observed all records of a batch, as its columns name them; None when they are several or none."""
    ids = batch.records["observer"]
    if not len(ids) or (ids != ids[0]).any():
        return None
    return batch.observers.get(int(ids[0]), Observer(batch.site, batch.probe, ""))


def _distinct(numbers: Column) -> tuple[Column, Column]:
    if len(numbers) and (numbers == numbers[0]).all():
        return numbers[:1], np.zeros(len(numbers), np.int32)
    return np.unique(numbers, return_inverse=True)


def _words(words: list[str], codes: Column) -> pa.DictionaryArray:
    distinct = {word: number for number, word in enumerate(dict.fromkeys(words))}
    renumbered = codes if len(words) == 1 else np.array([distinct[word] for word in words], np.int32)[codes]
    return pa.DictionaryArray.from_arrays(pa.array(renumbered), pa.array(list(distinct), pa.string()))


def _arrow_array(name: str, columns: dict[str, Any], heap: Heap) -> pa.Array:
    if name in OBSERVER_COLUMNS:
        return columns[name]
    field, kind = FIELDS[name], KINDS[name]
    if field.store == "heap":
        return _heap_array(name, kind, columns, heap)
    column = columns[name]
    if field.kind == "enum":
        return pa.DictionaryArray.from_arrays(pa.array(column.view(np.int8)), CAUSE_WORDS)
    validity = _validity(column) if field.unit == TIME_UNIT else None
    return pa.Array.from_buffers(kind, len(column), [validity, pa.py_buffer(column)])


def _validity(times: Column) -> pa.Buffer | None:
    present = times != 0
    return None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))


def _heap_array(name: str, kind: pa.DataType, columns: dict[str, Column], heap: Heap) -> pa.Array:
    offsets, data = _in_one(name, columns, heap)
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers)


def variable_bytes(name: str, batch: FlowBatch) -> Heap:
    """Return the bytes of a column of variable length, record after record; raises OutputError as to_arrow does."""
    lengths = batch.records[f"{name}_length"]
    return _in_one(name, split(batch.records, _stored([name])), batch.heap)[1] if lengths.any() else batch.heap[:0]


def _in_one(name: str, columns: dict[str, Column], heap: Heap) -> tuple[Column, Heap]:
    """Return where the bytes of each record begin, with where those of the last one end, and all of these bytes."""
    starts, lengths = columns[f"{name}_offset"].astype(np.int64), columns[f"{name}_length"]
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] > MAX_COLUMN_BYTES:
        raise OutputError(f"column '{name}' holds {offsets[-1]} bytes in one batch: more than 2 GiB")
    return offsets, gathered(heap, starts, offsets)


def _family(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    for name, test in _FAMILIES.items():
        if test(kind):
            return name
    return str(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return any(
        test(kind)
        for test in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


_FAMILIES: dict[str, Callable[[pa.DataType], bool]] = {
    "integer": pa.types.is_integer,
    "floating": pa.types.is_floating,
    "time": pa.types.is_timestamp,
    "bytes": _is_bytes,
    "text": _is_text,
}


def _typed(data: pa.RecordBatch, name: str) -> pa.Array | None:
    """Return the column with its type of ARROW_SCHEMA, None where an older or lean file has none."""
    if name not in data.schema.names:
        if name in OPTIONAL or name in LEFT_OUT:
            return None
        raise InputError(f"column '{name}' is missing")
    return _of_type(data.column(name), name)


def _of_type(array: pa.Array, name: str) -> pa.Array:
    kind = KINDS[name]
    if array.type != kind and _family(array.type) != _family(kind):
        raise InputError(f"column '{name}' is of type {array.type}, not {kind}")
    try:
        array = _cast(array, kind)
    except pa.ArrowException as error:
        raise InputError(f"column '{name}' does not fit {kind}: {str(error).splitlines()[0]}") from error
    if kind != TIME_TYPE and (array.null_count or (pa.types.is_dictionary(kind) and array.dictionary.null_count)):
        raise InputError(f"column '{name}' has missing values")
    return array


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        if not pa.types.is_dictionary(array.type):
            array = array.cast(pa.string()).dictionary_encode()
        return pa.DictionaryArray.from_arrays(_as(array.indices, pa.int32()), _as(array.dictionary, pa.string()))
    return _as(array, kind)


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return array if array.type == kind else array.cast(kind)


def _take_column(name: str, array: pa.Array, columns: dict[str, Any], heaps: list[Heap]) -> None:
    if name in OBSERVER_COLUMNS:
        columns[name] = array
    elif name == "cause":
        columns[name] = _cause_codes(array)
    elif FIELDS[name].store == "heap":
        _take_heap(name, array, columns, heaps)
    elif FIELDS[name].kind == "fixed":
        columns[name] = _fixed(array, FIELDS[name].size)
    else:
        columns[name] = _times(array) if array.type == TIME_TYPE else array.to_numpy(zero_copy_only=False)


def _times(array: pa.TimestampArray) -> Column:
    """Return times as numbers, 0 for null; by hand, since what computes in pyarrow takes 0.1 s to import."""
    count, (validity, data) = len(array), array.buffers()
    if data is None or not count:
        return np.zeros(0, np.int64)
    times = np.frombuffer(data, np.int64, count, 8 * array.offset)
    if not array.null_count:
        return times
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), count=array.offset + count, bitorder="little")
    return np.where(bits[array.offset :], times, 0)


def _cause_codes(array: pa.Array) -> Column:
    words = array.dictionary.to_pylist()
    indices = array.indices.to_numpy(zero_copy_only=False)
    codes = np.array([CAUSES.index(word) if word in CAUSES else len(CAUSES) for word in words], np.uint8)
    taken: Column = codes[indices]
    unknown = np.flatnonzero(taken == len(CAUSES))
    if len(unknown):
        raise InputError(f"column 'cause' holds an unknown word, '{words[indices[unknown[0]]]}'")
    return taken


def _fixed(array: pa.Array, size: int) -> Column:
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.zeros((0, size), np.uint8)
    return np.frombuffer(data, np.uint8, len(array) * size, array.offset * size).reshape(-1, size)


def _take_heap(name: str, array: pa.Array, columns: dict[str, Any], heaps: list[Heap]) -> None:
    _, offset_buffer, data = array.buffers()
    if not len(array):
        return
    offsets = np.frombuffer(offset_buffer, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    lengths, base = np.diff(offsets), sum(len(heap) for heap in heaps)
    total = int(offsets[-1] - offsets[0])
    if base + total > MAX_HEAP_BYTES:
        raise InputError(f"column '{name}' brings the variable-length bytes of one batch over 4 GiB")
    columns[f"{name}_offset"] = np.where(lengths > 0, offsets[:-1] - offsets[0] + base, 0)
    columns[f"{name}_length"] = lengths
    if total:
        heaps.append(np.frombuffer(data, np.uint8, total, int(offsets[0])))


def _observers(columns: dict[str, Any], count: int) -> dict[int, Observer]:
    """Replace the three name columns by the observer ids they stand for; return who is behind each id."""
    arrays = [columns.pop(name) for name in OBSERVER_COLUMNS]
    if not count:
        return {}
    words = [array.dictionary.to_pylist() for array in arrays]
    combined = np.zeros(count, np.int64)
    for array, known in zip(arrays, words, strict=True):
        combined = combined * len(known) + array.indices.to_numpy(zero_copy_only=False)
    distinct, codes = _distinct(combined)
    shape = [len(known) for known in words]
    picks = np.stack(np.unravel_index(distinct, shape), axis=1)
    observers = [Observer(*(known[pick] for known, pick in zip(words, row, strict=True))) for row in picks]
    columns["observer"] = np.array([observer.id for observer in observers], np.int64)[codes]
    return {observer.id: observer for observer in observers}
