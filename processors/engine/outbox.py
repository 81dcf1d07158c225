"""Flows gathered into messages of sensible size: many small emissions would cost more than what they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import FlowBatch, concatenate
from topics.definitions import MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

Positions = np.ndarray[Any, np.dtype[np.int64]]

LINGER_SECONDS = 0.2
FIRST_GUESS_BYTES = 400
LARGE = 0.5  # of the limit: what is emitted at once goes out at once, since joining costs more than it saves
FILLED = 0.8  # of the limit is aimed at: records differ in size, and a message that came out too long is made again


@dataclass(frozen=True, slots=True)
class Message:
    """Encoded flows, the highest input position that contributed to each, and the input offset last processed."""

    value: bytes
    last_positions: Positions
    position: int


@dataclass(slots=True)
class _Gathered:
    since: float
    batches: list[FlowBatch] = field(default_factory=list)
    last_positions: list[Positions] = field(default_factory=list)
    records: int = 0


class Outbox:
    """Holds back what was emitted until a message is full or old enough, for each source apart.

    `encode` turns a batch into bytes and `send` takes finished messages. `limit` bounds the bytes of a message unless a
    single record is larger.
    """

    def __init__(
        self,
        encode: Callable[[FlowBatch], bytes],
        send: Callable[[Message], None],
        limit: int = MESSAGE_BYTES,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self._encode = encode
        self._send = send
        self._limit = limit
        self._linger = linger
        self._gathered: dict[tuple[str, str, int], _Gathered] = {}
        self._record_bytes = float(FIRST_GUESS_BYTES)

    def add(self, batch: FlowBatch, last_positions: Positions, position: int, now: float) -> None:
        """Take in what was emitted at monotonic time `now` (s) while the input at offset `position` was processed."""
        source = (batch.site, batch.probe, batch.boot_id)
        if len(batch) * self._record_bytes >= self._limit * LARGE:
            if source in self._gathered:
                self._release(source, position)
            self._send_pieces(batch, last_positions, position)
            return
        gathered = self._gathered.setdefault(source, _Gathered(now))
        gathered.batches.append(batch)
        gathered.last_positions.append(last_positions)
        gathered.records += len(batch)
        if gathered.records * self._record_bytes >= self._limit * FILLED:
            self._release(source, position)

    def release_due(self, position: int, now: float) -> None:
        """Send what has been held back long enough."""
        for source in [s for s, gathered in self._gathered.items() if now - gathered.since >= self._linger]:
            self._release(source, position)

    def release(self, position: int) -> None:
        """Send everything."""
        for source in list(self._gathered):
            self._release(source, position)

    def _release(self, source: tuple[str, str, int], position: int) -> None:
        gathered = self._gathered.pop(source)
        self._send_pieces(concatenate(gathered.batches), np.concatenate(gathered.last_positions), position)

    def _send_pieces(self, batch: FlowBatch, last_positions: Positions, position: int) -> None:
        pieces = max(1, min(len(batch), round(len(batch) * self._record_bytes / (self._limit * FILLED))))
        for number in range(pieces):
            part = slice(len(batch) * number // pieces, len(batch) * (number + 1) // pieces)
            self._send_cut(batch.select(part) if pieces > 1 else batch, last_positions[part], position)

    def _send_cut(self, batch: FlowBatch, last_positions: Positions, position: int) -> None:
        value = self._encode(batch)
        if len(batch):
            self._record_bytes = max(1.0, len(value) / len(batch))
        if len(value) <= self._limit or len(batch) < 2:
            self._send(Message(value, last_positions, position))
            return
        half = len(batch) // 2
        self._send_cut(batch.select(slice(half)), last_positions[:half], position)
        self._send_cut(batch.select(slice(half, None)), last_positions[half:], position)
