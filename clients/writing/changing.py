"""What ralabel and ranonymize share: records of all sources, changed batch by batch, to where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source, to_batch, to_frame
from clients.writing.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from clients.options import Parsed
    from topics.batch import FlowBatch


def put_changed(parsed: Parsed, change: Callable[[FlowBatch], Iterable[FlowBatch]]) -> int:
    """Put what `change` makes of the selected records; return 0 when some were selected, NO_MATCH when none was."""
    source, outputs = Source(parsed), Outputs(parsed)
    rejected = outputs.reject if outputs.wants_rejects else None
    with outputs:
        frames = inquiry.window(parsed).input.cut(source.frames(selection(parsed), None, rejected=rejected))
        selected = inquiry.put(parsed, outputs, _changed(frames, change))
    return 0 if selected else inquiry.NO_MATCH


def _changed(
    frames: Iterator[pl.DataFrame], change: Callable[[FlowBatch], Iterable[FlowBatch]]
) -> Iterator[pl.DataFrame]:
    for frame in frames:
        for batch in change(to_batch(frame)):
            yield to_frame(batch)
