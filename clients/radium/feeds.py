"""What clients are served: the same files to each from their beginning, or what comes now to all at once."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from clients.radium.peer import GoneError, Peer, Queue
from topics.argus import layout as at
from topics.argus.encoder import ArgusEncoder
from topics.argus.management import Management, write_management
from topics.batch import last_times
from topics.metrics import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from topics.batch import FlowBatch

SECOND = 1_000_000_000  # ns
LOOK_SECONDS = 0.25


class Feed(Protocol):
    """Sends records to a client that has started, in a thread of its own; counts them, and clients it dropped."""

    records: int
    dropped: int

    def serve(self, peer: Peer) -> None:
        """Send until there is no more or the client is gone (GoneError)."""

    def stop(self) -> None:
        """Let all serving end soon."""


class Status:
    """The management records that a client gets: at the start, every `interval` seconds, and at the end."""

    def __init__(self, source: str, interval: int, clock: Callable[[], int] = time.time_ns) -> None:
        self.interval, self._source, self._clock = interval, source, clock
        self._started, self._sequence = clock(), 0
        self._due = self._started + interval * SECOND

    def record(self, cause: int, *, records: int = 0, dropped: int = 0, clients: int = 0) -> bytes:
        """Return one record, of this moment."""
        self._sequence += 1
        now = self._clock()
        self._due = now + self.interval * SECOND
        return write_management(
            Management(
                cause=cause,
                source=self._source,
                sequence=self._sequence,
                started=self._started,
                now=now,
                status_interval=self.interval,
                records=records,
                dropped=dropped,
                clients=clients,
            )
        )

    @property
    def is_due(self) -> bool:
        """Whether the last record is as old as the interval."""
        return self._clock() >= self._due


class Replay:
    """Gives each client all records from the first one on, as fast as it takes them.

    Then the connection stays, as that of an argus that sees nothing, or is closed (`close`): radium and others that are
    told to be reliable would call again, and get everything once more.
    """

    def __init__(
        self, batches: Callable[[], Iterable[FlowBatch]], status: Callable[[], Status], *, close: bool = False
    ) -> None:
        self.records = self.dropped = 0
        self._batches, self._status, self._close = batches, status, close
        self._stopped = threading.Event()

    def serve(self, peer: Peer) -> None:
        """Send everything; raises GoneError when the client goes away before the end."""
        encoder, status = ArgusEncoder(), self._status()
        for batch in self._batches():
            if self._stopped.is_set():
                break
            for data, _ in encoder.pieces(chosen(batch, peer.wanted)):
                peer.send(data)
            self.records += len(batch)
            if status.is_due:
                peer.send(status.record(at.STATUS, records=encoder.records))
        if not self._close:
            with suppress(GoneError):  # it has all there was
                self._keep(peer, status, encoder.records)
            return
        peer.send(status.record(at.STOP, records=encoder.records))

    def _keep(self, peer: Peer, status: Status, records: int) -> None:
        peer.send(status.record(at.STATUS, records=records))
        while not self._stopped.is_set():
            peer.wait(LOOK_SECONDS)
            if status.is_due:
                peer.send(status.record(at.STATUS, records=records))
        peer.send(status.record(at.STOP, records=records))

    def stop(self) -> None:
        """End after what is being sent."""
        self._stopped.set()


class Live:
    """Gives what comes to every client that has started by then; one that takes too little is dropped and counted."""

    def __init__(self, status: Status, say: Callable[[str], None]) -> None:
        self.records = self.dropped = self.lost = 0
        self._status, self._say = status, say
        self._queues: dict[Queue, Peer] = {}
        self._encoders: dict[str, ArgusEncoder] = {}
        self._lock = threading.Lock()

    def serve(self, peer: Peer) -> None:
        """Send what comes, until the client is gone, too slow, or nothing comes any more."""
        queue = Queue()
        with self._lock:
            self._queues[queue] = peer
        try:
            while data := queue.take():
                peer.send(data)
        finally:
            with self._lock:
                self._queues.pop(queue, None)
        if queue.overrun:
            raise GoneError("it takes less than there is")

    def publish(self, batch: FlowBatch) -> None:
        """Give records to everybody whose filter lets them through."""
        self.records += len(batch)
        begun = time.perf_counter()
        with self._lock:
            queues = dict(self._queues)
        encoded: dict[str, bytes] = {}
        for queue, peer in queues.items():
            if peer.expression not in encoded:
                encoder = self._encoders.setdefault(peer.expression, ArgusEncoder())
                encoded[peer.expression] = encoder.encode(chosen(batch, peer.wanted))
            if data := encoded[peer.expression]:
                self._put(queue, peer, data)
        kept = {peer.expression for peer in queues.values()}
        self._encoders = {text: encoder for text, encoder in self._encoders.items() if text in kept}
        table.BATCH_SECONDS.observe(time.perf_counter() - begun, "serve")
        table.PACKET_AGE.observe(time.time() - int(last_times(batch.records).max()) / SECOND, "served")

    def _put(self, queue: Queue, peer: Peer, data: bytes) -> None:
        queue.put(data)
        if queue.overrun:
            with self._lock:
                known = self._queues.pop(queue, None)
            if known:
                self.dropped += 1
                self._say(f"{peer.name} was dropped: it takes less than there is ({self.dropped} clients so far)")

    def tick(self) -> None:
        """Send everybody a management record when one is due."""
        if self._status.is_due:
            self._tell(at.STATUS)

    def stop(self) -> None:
        """Say goodbye to everybody."""
        self._tell(at.STOP)
        with self._lock:
            for queue in self._queues:
                queue.close()

    def _tell(self, cause: int) -> None:
        with self._lock:
            data = self._status.record(cause, records=self.records, dropped=self.dropped, clients=len(self._queues))
            for queue in self._queues:
                queue.put(data)


def chosen(batch: FlowBatch, wanted: pl.Expr | None) -> FlowBatch:
    """Return the records of a batch that a filter lets through."""
    from clients.sensor.outputs import selected

    return batch if wanted is None or not len(batch) else selected(batch, wanted)


def filtered(batches: Iterable[FlowBatch], wanted: pl.Expr | None) -> Iterator[FlowBatch]:
    """Yield what a filter lets through of some batches."""
    for batch in batches:
        yield chosen(batch, wanted)
