"""The part of a worker that runs in a thread of its own: opening partitions, merging, producing."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import structlog

from processors.engine.acknowledgement import Acknowledger
from processors.engine.batch_numbers import BatchNumbers, Unnumbered
from processors.engine.labelling import Labelling
from processors.engine.measuring import count_flows, newest_packet, note_age
from processors.engine.memory import Memory
from processors.engine.notes import numbers
from processors.engine.partition import PartitionMerge, conclusions, last_offset
from processors.engine.producer import Producer
from processors.engine.recovery import Recovery, seen_offset
from processors.merge import FlowMerge
from topics.batch import FlowBatch, records_like
from topics.bus import decode_message, encode_message
from topics.bus.schemas import AnnouncedSchemas
from topics.dead_letters import dead_letter
from topics.errors import BusError, DecodeError
from topics.metrics import table
from topics.seen_batches import SeenBatches, decode_seen, encode_seen, seen_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from processors.engine.partition import Confirm, Headers, Stage
    from processors.engine.settings import WorkerSettings
    from topics.bus.consumption import Consumption

FLUSH_SECONDS = 5.0
ANY_PARTITION = -1


@dataclass(frozen=True, slots=True)
class Opened:
    """A partition ready to go on at `offset`, and what it took."""

    merge: PartitionMerge
    offset: int
    flows_read: int
    seconds: float


class Merging:
    """Opens partitions and owns the producer they share. Everything but the constructor belongs to one thread."""

    def __init__(self, settings: WorkerSettings, told: Consumption) -> None:
        self._settings, self._told = settings, told
        self._producer = Producer(settings.url, settings.broker_timeout)
        self._decode = AnnouncedSchemas(settings.url, settings.broker_timeout).reading(decode_message)
        self._labelling = Labelling(settings) if settings.is_labelling else None
        self._has_memory: bool | None = None
        self._recovery = Recovery(
            settings.url, settings.group, settings.input_topic, settings.output_topic, settings.broker_timeout
        )

    def warm_up(self) -> None:
        """Announce our schemas; load the kernels and the names there are, so that the first messages do not wait."""
        self._producer.announce()
        if self._labelling is not None:
            self._labelling.start()
        batch = decode_message(encode_message(FlowBatch(records_like(1))))
        merge = self._stage()
        merge.recovered(batch, np.full(1, -1, np.int64))
        merge.process(batch)
        for flows in merge.flush():
            encode_message(flows)

    def open(self, partition: int, committed: int | None, text: str) -> Opened:
        """Make a partition ready, given what the group has committed: find out what is concluded from its input."""
        begun = time.monotonic()
        start = self._recovery.start(partition, committed, text)
        merge = self._stage()
        known, flows = [], 0
        for message in self._recovery.output(partition, start):
            headers = dict(message.headers() or ())
            batch, last_positions = conclusions(message.value() or b"", headers, start.offset, self._decode)
            if len(batch):
                merge.recovered(batch, last_positions)
                known.append((message.offset() or 0, last_offset(last_positions)))
                flows += len(batch)
        acknowledger = Acknowledger(start.output_end, known)
        encode = encode_message if self._labelling is None else self._labelling.encode
        channel = _Channel(self._settings, self._producer, partition, self._decode, encode, self._told)
        memory = self._memory(partition, text if committed is not None and start.offset >= committed else "", channel)
        waits = self._settings.names_topic or self._settings.events_topic
        opened = PartitionMerge(
            start.offset, merge, acknowledger, channel, memory=memory, patience=self._labelling if waits else None
        )
        return Opened(opened, start.offset, flows, time.monotonic() - begun)

    def _memory(self, partition: int, text: str, channel: _Channel) -> Memory:
        """Return what came of the batches before the offset that goes with a text of the group."""
        if self._settings.observers is not None:
            return Memory(Unnumbered())
        if not self._remembers():
            return Memory(BatchNumbers(numbers(text)))
        place, base = seen_offset(text), b""
        if place is not None:
            key = seen_key(self._settings.group, self._settings.input_topic, partition)
            found = self._recovery.remembered(self._settings.seen_topic, key, place)
            with contextlib.suppress(DecodeError):  # somebody else's: what stands beside the offset is known still
                base = decode_seen(found or b"").runs
        return Memory(BatchNumbers(numbers(text), base), channel.remember, place)

    def _remembers(self) -> bool:
        """Whether there is a topic for batches seen; said once when there is not, as on a bus of before."""
        if self._has_memory is None:
            self._has_memory = self._recovery.has(self._settings.seen_topic)
            if not self._has_memory:
                topic, makes = self._settings.seen_topic, "argosy topics create"
                structlog.get_logger().warning("some 250 runs are remembered", without=topic, made_by=makes)
        return self._has_memory

    def _stage(self) -> Stage:
        if self._settings.observers is None:
            return FlowMerge(self._settings.merge)
        from processors.observers import ObserverStream

        return ObserverStream(self._settings.observers)

    def process(self, merge: PartitionMerge, offset: int, value: bytes, now: float) -> None:
        """Let a partition take in the message at `offset`."""
        begun = time.perf_counter()
        merge.process(offset, value, now)
        table.BATCH_SECONDS.observe(time.perf_counter() - begun, "merge")

    def first_offset(self, partition: int, offset: int) -> int:
        """Offset of the first message of the input at or after `offset`."""
        return self._recovery.first_offset(partition, offset)

    def release_due(self, merges: list[PartitionMerge]) -> None:
        """Send what has been held back long enough, and handle confirmations."""
        if self._labelling is not None:
            self._labelling.learn()
        now = time.monotonic()
        for merge in merges:
            merge.release_due(now)
        self._producer.poll(0)

    def settle(self, merges: list[PartitionMerge]) -> None:
        """Send what is held back and wait for its confirmation; raises BusError when it does not come."""
        now = time.monotonic()
        for merge in merges:
            merge.mark(now)
        if not self._producer.flush(FLUSH_SECONDS):
            raise BusError(f"{self._settings.url}: no confirmation within {FLUSH_SECONDS:g} s")

    def hurry(self) -> None:
        """Let no flows hold the input up any more. May be called from any thread."""
        if self._labelling is not None:
            self._labelling.hurry()

    def label_counts(self) -> dict[str, int]:
        """Return the counts of labelling; nothing without it."""
        return {} if self._labelling is None else self._labelling.counts()

    def abandon(self) -> None:
        """Give up what is still waiting for the broker. May be called from any thread."""
        self._producer.abandon()
        self._recovery.abandon()


class _Channel:
    """How one partition speaks to the broker."""

    def __init__(
        self,
        settings: WorkerSettings,
        producer: Producer,
        partition: int,
        decode: Callable[[bytes], FlowBatch],
        encode: Callable[[FlowBatch], bytes],
        told: Consumption,
    ) -> None:
        self._settings = settings
        self._producer = producer
        self._partition, self._told = partition, told
        self._decode, self._encode = decode, encode
        self._encoded = FlowBatch()  # what the next value to be sent was made of

    def decode(self, value: bytes) -> FlowBatch:
        """Return the batch in a value, or raise DecodeError."""
        batch = self._decode(value)
        note_age("received", newest_packet(batch))
        return batch

    def encode(self, batch: FlowBatch) -> bytes:
        """Return the value for a batch."""
        self._encoded = batch
        return self._encode(batch)

    def send(self, value: bytes, headers: Headers, confirm: Confirm) -> None:
        """Queue a message for the output partition of the same number."""
        count_flows(self._encoded)
        latest = newest_packet(self._encoded)

        def confirmed(offset: int) -> None:
            note_age("published", latest)
            confirm(offset)

        self._producer.send(self._settings.output_topic, self._partition, value, headers, confirmed)

    def remember(self, offset: int, runs: bytes, confirm: Confirm) -> None:
        """Queue what came of the batches below an offset."""
        seen = SeenBatches(self._settings.group, self._settings.input_topic, self._partition, offset, runs)
        self._producer.send(self._settings.seen_topic, 0, encode_seen(seen), [], confirm, seen.key)

    def refuse(self, offset: int, value: bytes, reason: DecodeError, confirm: Confirm) -> None:
        """Queue a dead letter."""
        self._told.refused(self._partition, offset, str(reason))
        letter = dead_letter(self._settings.input_topic, self._partition, offset, value, str(reason))
        self._producer.send(self._settings.dead_letters_topic, ANY_PARTITION, letter, [], confirm)
