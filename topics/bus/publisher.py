"""Publishing: batches gathered, split by partition, numbered, and confirmed by the broker."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from topics.bus.administration import CONNECT_SECONDS, partition_count
from topics.bus.gathering import LINGER_SECONDS, Gathering
from topics.bus.messages import encode_messages
from topics.bus.producer import ConfirmedProducer
from topics.definitions import MESSAGE_BYTES
from topics.errors import BusError

if TYPE_CHECKING:
    from types import TracebackType

    from topics.batch import FlowBatch

BROKER_SECONDS = 60.0


class Publisher:
    """Sends batches to the partitions of a topic: idempotent, acknowledged by all replicas, in bounded memory.

    Small batches are gathered, for LINGER_SECONDS at the most (see Gathering). Those of one run and partition are
    numbered from 0 in their header. `publish` waits while the queue is full.
    Raises BusError when no broker answers within `connect` seconds, the topic does not exist, or a message could not be
    delivered within `patience` seconds.
    """

    def __init__(
        self, url: str, topic: str, *, connect: float = CONNECT_SECONDS, patience: float = BROKER_SECONDS
    ) -> None:
        self.url, self.topic = url, topic
        self.messages = self.records = 0
        self._partitions = partition_count(url, topic, connect)
        self._sequences: dict[tuple[str, str, int, int], int] = {}
        self._producer = ConfirmedProducer(url, patience)
        self._producer.announce()
        self._gathering = Gathering(self._partitions, self._send)
        self._failure: BusError | None = None
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._release_forever, name="publisher", daemon=True)
        self._thread.start()

    def publish(self, batch: FlowBatch) -> None:
        """Take the records of a batch for their partitions; an empty batch goes to all, for its watermark."""
        with self._lock:
            self._check()
            self.records += len(batch)
            self._gathering.add(batch, time.monotonic())

    def close(self) -> None:
        """Wait until everything is delivered; raises BusError if it is not."""
        self._closed.set()
        self._thread.join()
        self._check()
        self._gathering.release()
        self._producer.flush()

    def _release_forever(self) -> None:
        due = LINGER_SECONDS
        while not self._closed.wait(due):
            try:
                with self._lock:
                    self._gathering.release_due(time.monotonic())
                    due = min(LINGER_SECONDS / 2, self._gathering.due(time.monotonic()))
            except BusError as error:
                self._failure = error
                return

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _send(self, batch: FlowBatch) -> None:
        run = batch.site, batch.probe, batch.boot_id, batch.partition
        sequence = self._sequences.get(run, 0)
        values = encode_messages(batch.replace(sequence=sequence), MESSAGE_BYTES)
        for value in values:
            self._producer.send(self.topic, value, batch.partition)
        self._sequences[run] = sequence + len(values)
        self.messages += len(values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._closed.set()
            self._producer.abandon()
            self._thread.join()
