"""Publishing through the spool: the caller never waits, a thread does."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from probes.spool.carried import Carried
from probes.spool.delivery import Delivery
from probes.spool.entry import Entry, Priority, encoded_size
from probes.spool.files import Disk
from probes.spool.losses import Cause, Losses
from probes.spool.spool import Spool
from topics.batch import packets_of
from topics.bus.administration import CONNECT_SECONDS, partition_count
from topics.bus.gathering import Gathering
from topics.bus.messages import encode_messages
from topics.definitions import MESSAGE_BYTES, SCHEMAS
from topics.errors import BusError, OutputError

if TYPE_CHECKING:
    from types import TracebackType

    from topics.batch import FlowBatch

LIMIT = 1024 * 1024 * 1024
MOST_QUEUED = 64 * 1024 * 1024  # bytes in memory that nothing was done with yet
MOST_PATIENT = 8 * 1024 * 1024  # the same for a patient publisher: what waits for long has left the processor's cache
MOST_CARRIED = 32 * 1024 * 1024  # bytes on their way to the brokers that are not on disk
MOST_DRAINED = MOST_CARRIED // 4  # bytes taken from the queue at once
CARRY_SECONDS = 1.0
GATHER_SECONDS = 0.02  # entries that come within this time share one fsync
HELD_SECONDS = 0.01  # until room for what is queued is looked for again: brokers take a few MB meanwhile
IDLE_SECONDS = 0.2
TIDY_SECONDS = 1.0
CLOSE_SECONDS = 60.0


class SpooledPublisher:
    """Takes batches at once and keeps them in `directory`, at most `limit` bytes, until the brokers have them.

    What the brokers confirm within `carry` seconds does not go through the disk (see Carried); with 0 everything does.
    Small batches are gathered first (see Gathering). Those of one run and partition are numbered from 0 in their
    header, lost ones included: a gap tells of a loss.
    Raises OutputError when the directory cannot be used, and BusError when no broker answers at the first start ever
    (how many partitions there are is remembered). Later troubles are in `last_error`, and everything that is lost in
    `counts`. A `patient` publisher lets the caller wait instead of losing anything: for captures that can wait.
    """

    def __init__(
        self,
        url: str,
        topic: str,
        directory: str | Path,
        *,
        limit: int = LIMIT,
        carry: float = CARRY_SECONDS,
        patient: bool = False,
        connect: float = CONNECT_SECONDS,
    ) -> None:
        self.url, self.topic = url, topic
        self._limit, self._patient = limit, patient
        self._most_queued = MOST_PATIENT if patient else MOST_QUEUED
        self.messages = self.records = 0
        self._directory = Path(directory)
        self._queue: deque[Entry] = deque()
        self._queued = 0
        self._behind = Losses()
        self._sequences: dict[tuple[str, str, int, int], int] = {}
        self._wake, self._room = threading.Event(), threading.Condition()
        self._publishing = threading.Lock()
        self._deadline: float | None = None
        disk = Disk(self._directory)
        try:
            self._spool = Spool(disk, limit)
            self._before = self._spool.losses.named()
            self._partitions = self._count_partitions(connect)
            self._carried = Carried(self._spool, carry, min(MOST_CARRIED, limit // 4))
            announces = SCHEMAS.name in self._spool.remembered
            self._delivery = Delivery(url, self._spool, self._carried, announces=announces)
        except OSError as error:
            disk.close()
            raise OutputError(f"{directory}: {error.strerror}") from None
        except BaseException:
            disk.close()
            raise
        self._held = self._holds()
        self._gathering = Gathering(self._partitions, self._take)
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        self._thread.start()

    def _count_partitions(self, connect: float) -> int:
        known = self._spool.remembered.get(self.topic)
        try:
            known = partition_count(self.url, self.topic, connect, wait=None if known is None else 0)
        except BusError:
            if known is None:
                raise
        else:
            with contextlib.suppress(BusError):  # buses of before have no topic for schemas
                self._spool.remembered[SCHEMAS.name] = partition_count(self.url, SCHEMAS.name, connect, wait=0)
        self._spool.remembered[self.topic] = known
        return known

    @property
    def last_error(self) -> str:
        """What keeps messages from being delivered now; empty when nothing does."""
        return self._delivery.trouble

    def publish(self, batch: FlowBatch) -> None:
        """Take the records of a batch for their partitions; an empty batch goes to all, for its watermark."""
        with self._publishing:
            self.records += len(batch)
            self._gathering.add(batch, time.monotonic())

    def _take(self, batch: FlowBatch) -> None:
        run = batch.site, batch.probe, batch.boot_id, batch.partition
        sequence = self._sequences.get(run, 0)
        ends = encode_messages(batch.replace(sequence=sequence), MESSAGE_BYTES)
        self._sequences[run] = sequence + len(ends)
        self.messages += len(ends)
        packets = packets_of(batch.records)
        for number, value in enumerate(ends):
            # What a message of several holds is counted with the first: only their sum is ever asked for.
            counted = (len(batch), packets) if number == 0 else (0, 0)
            self.offer(Entry(self.topic, value, batch.partition, b"", *counted))

    def post(self, topic: str, value: bytes, partition: int, priority: Priority = Priority.EVENTS) -> None:
        """Take one message for a partition of any topic."""
        self.offer(Entry(topic, value, partition, priority=priority))

    def offer(self, entry: Entry) -> None:
        """Take an entry, or count it as lost when the disk is so far behind that the memory for it is full."""
        size = encoded_size(entry)
        with self._room:
            if self._patient:
                self._room.wait_for(lambda: self._queued + size <= self._most_queued)
            if self._queued + size > self._most_queued:
                self._behind.add(Cause.BEHIND, 1, entry.records, entry.packets)
                return
            self._queue.append(entry)
            self._queued += size
        if entry.priority is not Priority.STATUS or self._queued > MESSAGE_BYTES:
            self._wake.set()

    def counts(self) -> dict[str, int]:
        """Return what became of everything since this process started, by name. Cheap, and for any thread.

        Losses of what an earlier process left in the spool count here when they are found.
        """
        spool, delivery = self._spool, self._delivery
        waiting, held = self._held
        counts = {
            "offered_messages": self.messages,
            "offered_records": self.records,
            "accepted_messages": spool.accepted,
            "delivered_messages": delivery.messages,
            "delivered_records": delivery.records,
            "spooled_messages": waiting,
            "spooled_bytes": held,
        }
        lost, *others = (losses.named() for losses in (spool.losses, spool.refused, self._behind))
        return counts | {name: lost[name] - self._before[name] + sum(other[name] for other in others) for name in lost}

    def close(self, patience: float = CLOSE_SECONDS) -> int:
        """Put everything on disk and deliver for `patience` seconds; return how many messages wait for a later run."""
        with self._publishing:
            self._gathering.release()
        self._deadline = time.monotonic() + patience
        self._wake.set()
        self._thread.join()
        self._held = self._holds()
        return self._held[0]

    def _work(self) -> None:
        tidied = time.monotonic()
        while True:
            self._wake.wait(self._pause())
            self._wake.clear()
            self._release_due()
            entries = self._drain()
            self._delivery.step(entries)
            now = time.monotonic()
            self._carried.keep_overdue(now)
            self._held = self._holds()
            if now - tidied >= TIDY_SECONDS:
                tidied = now
                self._spool.tidy()
            if self._deadline is not None and not entries and self._is_over(now):
                break
        self._delivery.close()
        self._carried.close()
        with contextlib.suppress(OSError):
            self._spool.close()

    def _pause(self) -> float:
        """Return for how long to wait for something to do."""
        if not self._delivery.is_busy:
            return min(IDLE_SECONDS, self._due())
        return HELD_SECONDS if self._queue else GATHER_SECONDS

    def _release_due(self) -> None:
        """Send what was gathered long enough; never wait: whoever publishes may be waiting for us to make room."""
        if self._queued <= self._most_queued // 2 and self._publishing.acquire(blocking=False):
            try:
                self._gathering.release_due(time.monotonic())
            finally:
                self._publishing.release()

    def _due(self) -> float:
        """Return in how many seconds something may have been gathered long enough."""
        if not self._publishing.acquire(blocking=False):
            return GATHER_SECONDS
        try:
            return self._gathering.due(time.monotonic())
        finally:
            self._publishing.release()

    def _holds(self) -> tuple[int, int]:
        return self._spool.waiting + self._carried.waiting, self._spool.bytes + self._carried.bytes

    def _is_over(self, now: float) -> bool:
        return not self._queue and (not self._holds()[0] or now > (self._deadline or 0.0))

    def _drain(self) -> list[Entry]:
        """Take what is queued, a part of it when it is much; nothing while a patient publisher may wait."""
        is_behind = self._carried.is_half_full or self._spool.bytes > self._limit // 2 or self._delivery.is_starting
        if self._patient and is_behind and time.monotonic() < (self._deadline or math.inf):
            return []
        entries: list[Entry] = []
        with self._room:
            drained = 0
            while self._queue and drained < MOST_DRAINED:
                entries.append(self._queue.popleft())
                drained += encoded_size(entries[-1])
            self._queued -= drained
            self._room.notify_all()
        if self._queue:
            self._wake.set()
        return entries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(CLOSE_SECONDS if error is None else 0.0)
