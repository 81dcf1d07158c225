"""From the bus into a sink: positions, event time over all sources, and which offsets are safe to commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sinks.position import Position
from topics.batch import END_OF_RUN, last_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.batch import FlowBatch

QUIET = 60.0  # seconds after which a source that says nothing no longer holds back event time


class Sink(Protocol):
    """What keeps flows: files or a database."""

    @property
    def held(self) -> int:
        """Bytes in memory of what does not last yet."""

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        """Take the records of a batch."""

    def advance(self, watermark: int) -> None:
        """Learn how far event time has come (ns)."""

    def flush(self) -> None:
        """Make everything that was taken last."""

    def safe_offsets(self) -> dict[str, int]:
        """Return, by source, the first offset whose records do not last yet."""


class Feed:
    """Hands messages of one topic to a sink. `origin` names the topic, and the cluster it is of, in positions.

    `clock` (seconds) only tells which sources are still heard.
    """

    def __init__(self, sink: Sink, origin: str, clock: Callable[[], float]) -> None:
        self._sink, self._origin, self._clock = sink, origin, clock
        self._event_time = EventTime()
        self._committed: dict[int, int] = {}

    def take(self, partition: int, offset: int, batch: FlowBatch) -> None:
        """Hand on one message."""
        self._sink.write(batch, Position(self._source(partition), offset))
        self._event_time.hear(partition, batch, self._clock())
        self.wait()

    def wait(self) -> None:
        """Let the sink see to what is due, also when nothing came."""
        self._sink.advance(self._event_time.watermark(self._clock()))

    @property
    def event_time(self) -> int:
        """Packet time (ns) that all sources have reached, 0 while nothing is heard."""
        return self._event_time.watermark(self._clock())

    def to_commit(self) -> dict[int, int]:
        """Return the partitions whose first unsafe offset is another than the one last committed, with that offset."""
        prefix = self._source("")
        safe = {int(source.removeprefix(prefix)): offset for source, offset in self._sink.safe_offsets().items()}
        return {partition: offset for partition, offset in safe.items() if offset != self._committed.get(partition)}

    def committed(self, offsets: dict[int, int]) -> None:
        """Learn what was committed."""
        self._committed |= offsets

    def _source(self, partition: int | str) -> str:
        return f"{self._origin}/{partition}"


class EventTime:
    """The least of the latest packet times of all sources (partition, site, probe) that are still heard.

    A probe whose clock runs ahead moves nobody else's time; one that is late holds it back, and one that fell silent
    does so no longer than QUIET.
    """

    def __init__(self) -> None:
        self._latest: dict[tuple[int, str, str], tuple[int, float]] = {}

    def hear(self, partition: int, batch: FlowBatch, now: float) -> None:
        """Note what a batch says about its source's time."""
        source = partition, batch.site, batch.probe
        time = int(last_times(batch.records).max()) if len(batch) else batch.watermark
        if time == END_OF_RUN:
            self._latest.pop(source, None)
        else:
            self._latest[source] = max(time, self._latest.get(source, (0, 0.0))[0]), now

    def watermark(self, now: float) -> int:
        """Return the time (ns), 0 while nothing is heard."""
        return min((time for time, heard in self._latest.values() if now - heard <= QUIET), default=0)
