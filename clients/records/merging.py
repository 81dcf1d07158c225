"""Merging by columns, as racluster and rabins ask for it: records of Parquet files, read as they lie there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import as_frame

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import pyarrow as pa

    from clients.options import Parsed
    from clients.reading.sources import Source
    from clients.writing.outputs import Outputs
    from processors.bins import BinSize


def merged_columns(
    parsed: Parsed,
    modes: Collection[str],
    source: Source,
    keys: Sequence[str],
    size: BinSize | None = None,
    columns: Collection[str] | None = None,
) -> Iterator[pa.RecordBatch] | None:
    """Return what yields the merged records, with these columns or all; None where it takes whole records.

    `modes` are the words of `-M`, `size` is that of the bins, None for one.
    """
    from processors.bins.columns import ColumnSeries
    from topics.frame import ARROW_SCHEMA

    if not source.is_parquet or not ColumnSeries.can_merge(keys):
        return None
    chosen = selection(parsed)
    return ColumnSeries(
        lambda names: source.columns(chosen, names),
        keys,
        ARROW_SCHEMA.names if columns is None else columns,
        size=size,
        correct="nocorrect" not in modes,
        aggregates="norep" not in modes,
    ).merged()


def put_columns(parsed: Parsed, outputs: Outputs, batches: Iterator[pa.RecordBatch]) -> int:
    """Write records where the command line says, or print them; return their number."""
    if not outputs.any or not inquiry.window(parsed).output.unlimited:
        return inquiry.put(parsed, outputs, map(as_frame, batches))
    count = 0
    for data in batches:
        count += len(data)
        outputs.write_columns(data)
    return count
