"""Avro object container files of flat flow records, for tools that read nothing else.

The record is FlowRecord with the names of the observation point in front. Written and read record by record with
fastavro: what has to be fast goes by Parquet or Arrow, and on the bus by the columnar codec.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
from fastavro.write import Writer as ContainerWriter

from sinks.formats.names import reason
from sinks.formats.writer import Writer
from topics.errors import InputError
from topics.frame import ARROW_SCHEMA, OBSERVER_COLUMNS, TIME_TYPE, from_arrow, to_arrow
from topics.schema import FLOW_BATCH, flow_record_json, schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.batch import FlowBatch

READ_AT_ONCE = 4096


def container_schema() -> dict[str, Any]:
    """Return the schema of the records in a container: FlowRecord with site, probe and interface for its observer."""
    batch, record = schema_json(FLOW_BATCH), flow_record_json()
    observer = next(field for field in batch["fields"] if field["name"] == "observers")["type"]["items"]
    names = [field for field in observer["fields"] if field["name"] in OBSERVER_COLUMNS]
    fields = [field for field in record["fields"] if field["name"] != "observer"]
    return record | {"namespace": batch["namespace"], "fields": names + fields}


class AvroWriter(Writer):
    """Writes records as they come, in deflated blocks."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._container = ContainerWriter(
            self._destination.stream, fastavro.parse_schema(container_schema()), "deflate"
        )

    def _write(self, batch: FlowBatch) -> None:
        for record in _plain_times(to_arrow(batch)).to_pylist():
            self._container.write(record)

    def _finish(self) -> None:
        self._container.flush()


def _plain_times(data: pa.RecordBatch) -> pa.RecordBatch:
    """Return times as the longs they are in FlowRecord, 0 where there is none."""
    arrays = [a.view(pa.int64()).fill_null(0) if a.type == TIME_TYPE else a for a in data.columns]
    return pa.RecordBatch.from_arrays(arrays, names=data.schema.names)


def read_avro(path: str) -> Iterator[FlowBatch]:
    """Yield the batches of a container file; raises InputError naming the file when it is something else or damaged."""
    with Path(path).open("rb") as file:
        try:
            records = fastavro.reader(file)
            while part := list(itertools.islice(records, READ_AT_ONCE)):
                yield from_arrow(_columns(part))
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        except Exception as error:  # fastavro lets through whatever damaged bytes lead to
            what = f"no Avro file of flow records, or a damaged one: {reason(error)}"
            raise InputError(f"{path}: {what}") from error


def _columns(records: list[Any]) -> pa.RecordBatch:
    if not isinstance(records[0], dict):
        raise InputError("its values are no records")
    known = [column for column in ARROW_SCHEMA if column.name in records[0]]
    return pa.RecordBatch.from_arrays(
        [_array([record[column.name] for record in records], column) for column in known],
        names=[column.name for column in known],
    )


def _array(values: list[Any], column: pa.Field) -> pa.Array:
    kind = pa.int64() if column.type == TIME_TYPE else column.type
    if pa.types.is_dictionary(kind):
        kind = pa.string()
    try:
        return pa.array(values, kind).view(column.type) if column.type == TIME_TYPE else pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"column '{column.name}' does not fit {column.type}: {reason(error)}") from error
