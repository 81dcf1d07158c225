"""The local engine: batches through a chain of processors into sinks, in one process and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from topics.batch import END_OF_RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from topics.batch import FlowBatch


class Processor(Protocol):
    """What concludes: takes batches in, gives batches out."""

    def process(self, batch: FlowBatch) -> Sequence[FlowBatch]:
        """Take a batch; return what it completed."""

    def flush(self) -> Sequence[FlowBatch]:
        """Return what is left; nothing follows."""


class Sink(Protocol):
    """What keeps."""

    def write(self, batch: FlowBatch) -> object:
        """Keep the records of a batch."""

    def advance(self, watermark: int) -> object:
        """Learn that no record with a packet before `watermark` (ns) enters the chain any more."""

    def close(self) -> object:
        """Make everything written last."""

    def abort(self) -> object:
        """Leave nothing half-written."""


def run(batches: Iterable[FlowBatch], processors: Sequence[Processor], sinks: Sequence[Sink]) -> None:
    """Drive every batch through the processors, one after the other, and what comes out into all sinks.

    At the end the processors are flushed and the sinks closed. Whatever is raised on the way aborts the sinks first.
    """
    watermark = Watermark()
    try:
        for batch in batches:
            _write(_through(processors, [batch]), sinks)
            if (time := watermark.after(batch)) is not None:
                for sink in sinks:
                    sink.advance(time)
        for position, processor in enumerate(processors):
            _write(_through(processors[position + 1 :], processor.flush()), sinks)
    except BaseException:
        for sink in sinks:
            sink.abort()
        raise
    for sink in sinks:
        sink.close()


def _through(processors: Sequence[Processor], batches: Sequence[FlowBatch]) -> Sequence[FlowBatch]:
    for processor in processors:
        batches = [output for batch in batches for output in processor.process(batch)]
    return batches


def _write(batches: Sequence[FlowBatch], sinks: Sequence[Sink]) -> None:
    for batch in batches:
        for sink in sinks:
            sink.write(batch)


class Watermark:
    """How far event time has come for sure: the least of all sources that have not ended."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, str, int], int] = {}

    def after(self, batch: FlowBatch) -> int | None:
        """Take note of a batch; return the time, or None while no source is under way."""
        source = (batch.site, batch.probe, batch.boot_id)
        if not len(batch) and batch.watermark == END_OF_RUN:
            self._sources.pop(source, None)
        else:
            self._sources[source] = max(self._sources.get(source, 0), _watermark(batch))
        return min(self._sources.values(), default=None)


def _watermark(batch: FlowBatch) -> int:
    if not len(batch):
        return batch.watermark
    latest = np.maximum(batch.records["src_last"], batch.records["dst_last"])
    return int(latest.max()) - batch.status_interval
