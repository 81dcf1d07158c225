"""One partition of status records on its way to flows, independent of the engine that delivers its messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from processors.engine.batch_numbers import BatchNumbers
from processors.engine.memory import Memory
from processors.engine.outbox import Message, Outbox, Positions
from processors.engine.waiting import WaitingRoom
from processors.merge.recovery import offset_of, position
from processors.merge.stream import MergedFlows, Source, source_of
from topics.batch import FlowBatch
from topics.errors import DecodeError

if TYPE_CHECKING:
    from processors.engine.acknowledgement import Acknowledger, Checkpoint
    from processors.engine.waiting import Patience

POSITION_HEADER = "argosy-position"
LAST_OFFSETS_HEADER = "argosy-last-offsets"
SOURCE_TIMEOUT_SECONDS = 3600.0
FORMER_TIMEOUT_SECONDS = 30.0

Headers = list[tuple[str, bytes]]
Confirm = Callable[[int], None]


class Channel(Protocol):
    """How a partition speaks: values in and out, each sent one confirmed by a call once the broker has it."""

    def decode(self, value: bytes) -> FlowBatch:
        """Return the batch in a value, or raise DecodeError."""

    def encode(self, batch: FlowBatch) -> bytes:
        """Return the value for a batch."""

    def send(self, value: bytes, headers: Headers, confirm: Confirm) -> None:
        """Queue a message for the output partition; `confirm` takes its offset there."""

    def refuse(self, offset: int, value: bytes, reason: DecodeError, confirm: Confirm) -> None:
        """Queue a dead letter."""


class Stage(Protocol):
    """What is done with the batches of a partition: FlowMerge, or ObserverStream."""

    @property
    def sources(self) -> Mapping[Source, int]:
        """Return the sources that are followed, and how far event time has come in each (ns)."""

    def process(self, batch: FlowBatch, offset: int = 0) -> list[MergedFlows]:
        """Take the batch at an offset; return what it completed."""

    def flush(self, source: Source | None = None) -> list[MergedFlows]:
        """Return what a source left, or all."""

    def lowest_offset(self) -> int | None:
        """Smallest offset that something still held came from."""

    def recovered(self, batch: FlowBatch, last_positions: Positions) -> None:
        """Note what was put out before a restart."""


class PartitionMerge:
    """Merges the messages of a partition in offset order, and says how far its input may be acknowledged.

    A batch that came before, as its number tells, is left out.

    A source that sends nothing, not even a heartbeat, for `source_timeout` seconds counts as ended, `former_timeout`
    when its probe was started anew since: its flows would wait for ever, and all input since they began with them.
    Times are those of a monotonic clock, in seconds. With `patience` flows wait until what is said of them is known.
    """

    def __init__(
        self,
        offset: int,
        merge: Stage,
        acknowledger: Acknowledger,
        channel: Channel,
        source_timeout: float = SOURCE_TIMEOUT_SECONDS,
        memory: Memory | None = None,
        patience: Patience | None = None,
        former_timeout: float = FORMER_TIMEOUT_SECONDS,
    ) -> None:
        self._next = offset
        self._merge = merge
        self._acknowledger = acknowledger
        self._channel = channel
        self._outbox = Outbox(channel.encode, self._send)
        self._waiting = None if patience is None else WaitingRoom(patience)
        self._source_timeout, self._former_timeout = source_timeout, former_timeout
        self._heard: dict[Source, float] = {}
        self._memory = memory or Memory(BatchNumbers())
        self.numbers = self._memory.numbers
        self.records = self.refused = 0

    def process(self, offset: int, value: bytes, now: float) -> None:
        """Take in the message at `offset`."""
        try:
            batch = self._channel.decode(value)
        except DecodeError as reason:
            self._refuse(offset, value, reason)
        else:
            source = source_of(batch)
            if self.numbers.take(source, batch.sequence, offset):
                self._heard[source] = now
                self.records += len(batch)
                self._gather(self._merge.process(batch, offset), offset, now)
        self._next = offset + 1
        while self._waiting is not None and self._waiting.is_too_full():
            self._let_go(now)

    def release_due(self, now: float) -> None:
        """Send what has been held back long enough."""
        self._let_go(now)
        self._outbox.release_due(self._next - 1, now)

    def mark(self, now: float) -> None:
        """Send what is held back, and let the input that it settles be acknowledged once all of it is confirmed."""
        for source in self._ended(now):
            del self._heard[source]
            self._gather(self._merge.flush(source), self._next - 1, now)
        lowest = self._merge.lowest_offset()
        settled = self._next if lowest is None else lowest
        if self._waiting is None:
            self._settle(settled)
        else:
            self._waiting.mark(settled)
            self._let_go(now)

    def _ended(self, now: float) -> list[Source]:
        """Return the runs of probes that were silent for too long."""
        newest = {source[:2]: source for source in sorted(self._heard, key=self._heard.__getitem__)}
        return [
            source
            for source, heard in self._heard.items()
            if now - heard > (self._source_timeout if newest[source[:2]] == source else self._former_timeout)
        ]

    def watermarks(self) -> dict[tuple[str, str], int]:
        """Return by site and probe how far event time has come (ns)."""
        found: dict[tuple[str, str], int] = {}
        for (site, probe, _), time in self._merge.sources.items():
            found[site, probe] = min(time, found.get((site, probe), time))
        return found

    def checkpoint(self) -> Checkpoint | None:
        """Return the furthest checkpoint confirmed since the last call."""
        return self._memory.checkpoint(self._acknowledger.checkpoint)

    def _gather(self, finished: list[MergedFlows], offset: int, now: float) -> None:
        for flows in finished:
            if self._waiting is None:
                self._outbox.add(flows, flows.last_positions, offset, now)
            else:
                self._waiting.put(flows, offset)

    def _let_go(self, now: float) -> None:
        """Pass on the flows that need not wait any more."""
        for entry in self._waiting.leaving() if self._waiting is not None else ():
            if entry.flows is None:
                self._settle(entry.offset)
            else:
                self._outbox.add(entry.flows, entry.flows.last_positions, entry.offset, now)

    def _settle(self, offset: int) -> None:
        """Send what is held back; input before `offset` is accounted for once that is confirmed."""
        self._outbox.release(self._next - 1)
        self._acknowledger.mark(offset)

    def _send(self, message: Message) -> None:
        last = message.last_positions
        ticket = self._acknowledger.sent(last_offset(last) if len(last) else None)
        headers = [
            (POSITION_HEADER, message.position.to_bytes(8, "little")),
            (LAST_OFFSETS_HEADER, np.ascontiguousarray(last, "<i8").tobytes()),
        ]
        self._channel.send(message.value, headers, lambda offset: self._acknowledger.confirm(ticket, offset))

    def _refuse(self, offset: int, value: bytes, reason: DecodeError) -> None:
        self.refused += 1
        ticket = self._acknowledger.sent(None)
        self._channel.refuse(offset, value, reason, lambda _: self._acknowledger.confirm(ticket, None))


def last_offset(last_positions: Positions) -> int:
    """Return the highest input offset among positions; there has to be one."""
    return offset_of(int(last_positions.max()))


def conclusions(
    value: bytes, headers: Mapping[str, str | bytes | None], offset: int, decode: Callable[[bytes], FlowBatch]
) -> tuple[FlowBatch, Positions]:
    """Return the flows in a message of the output to which input from `offset` on contributed, with last positions.

    Whatever was not written by `PartitionMerge` says nothing about the input: no flows.
    """
    positions = headers.get(LAST_OFFSETS_HEADER)
    if not isinstance(positions, bytes) or len(positions) % 8:
        positions = b""
    last = np.frombuffer(positions, "<i8")
    recent = last >= position(offset)
    try:
        batch = decode(value) if recent.any() else FlowBatch()
    except DecodeError:
        batch = FlowBatch()
    return (batch.select(recent), last[recent]) if len(batch) == len(last) else (FlowBatch(), last[:0])
