"""Records on their way to a collector, and how much of a topic is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from topics.batch import last_times
from topics.metrics import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinks.ipfix.messages import Exporting
    from sinks.ipfix.sending import Destination
    from sinks.position import Position
    from topics.batch import FlowBatch


SECOND = 1e9


class IpfixSink:
    """Sends the records that `select` leaves of a batch at once, at most `rate` a second (0: as fast as it goes).

    What was sent is safe when the host of the collector has confirmed it; over UDP, where nobody does, at once.
    """

    def __init__(
        self,
        destination: Destination,
        exporting: Exporting,
        rate: int = 0,
        select: Callable[[FlowBatch], FlowBatch] = lambda batch: batch,
    ) -> None:
        self._destination, self._exporting, self._rate, self._select = destination, exporting, rate, select
        self._began = time.monotonic()
        self._sent: dict[str, int] = {}
        self._safe: dict[str, int] = {}

    @property
    def held(self) -> int:
        """Nothing: what is taken is sent."""
        return 0

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        """Send the records of a batch; raises OutputError."""
        chosen, before, begun = self._select(batch), self._exporting.records, time.perf_counter()
        for message in self._exporting.messages(chosen, int(time.time())):
            self._destination.send(message)
            table.EXPORT_MESSAGES.add(1)
            table.EXPORT_BYTES.add(len(message))
            if self._rate and (ahead := self._exporting.records / self._rate - (time.monotonic() - self._began)) > 0:
                time.sleep(ahead)
        table.EXPORT_RECORDS.add(self._exporting.records - before)
        if len(chosen):
            table.BATCH_SECONDS.observe(time.perf_counter() - begun, "send")
            table.PACKET_AGE.observe(time.time() - int(last_times(chosen.records).max()) / SECOND, "sent")
        if position is not None:
            self._sent[position.source] = position.offset + 1

    def advance(self, watermark: int) -> None:
        """Nothing is held until a time comes."""

    def flush(self) -> None:
        """Wait until what was sent is confirmed; raises OutputError when that takes too long."""
        self._destination.drain()

    def safe_offsets(self) -> dict[str, int]:
        """Return, by source, the first offset whose records are not confirmed."""
        if self._sent != self._safe and not self._destination.unconfirmed:
            self._safe = dict(self._sent)
        return dict(self._safe)
