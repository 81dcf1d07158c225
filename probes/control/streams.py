"""TCP payloads in stream order (RFC 9293): what comes early waits, in bounded memory; what is lost is marked.

Of bytes that come twice, those count that were given first; of two segments that wait, those of the one that begins
first, or came first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

FIN, SYN, RST = 0x01, 0x02, 0x04
SEQUENCES = 1 << 32
FAR = 1 << 30  # a segment further away than a window can be belongs to no stream
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait: bytes and segments of a direction, bytes of all; how many connections; ns until idle ones go.

    `rate` is how many segments are taken a second of packet time, 0 for all.
    """

    direction_bytes: int = 256 * 1024
    direction_segments: int = 256
    all_bytes: int = 64 * 1024 * 1024
    connections: int = 65_536
    idle: int = 120 * SECOND
    rate: int = 0


class Segment(NamedTuple):
    """One TCP segment: whose it is, as a record, when it came, its sequence number and flag bits, and its payload.

    `payload` is what was captured of it, `length` what it was on the wire.
    """

    head: bytes
    time: int
    sequence: int
    flags: int
    payload: bytes
    length: int


class Piece(NamedTuple):
    """Bytes of a stream in order: `head` of the segment that brought them, `missing` ones that were not seen before.

    `stream` is when the connection was seen first (ns); a `last` piece is empty and ends its direction.
    """

    head: bytes
    stream: int
    time: int
    offset: int
    missing: int
    payload: bytes
    length: int
    last: bool = False


@dataclass(slots=True)
class _Direction:
    """One direction: where the next byte is expected (unbounded, from `base`), and the segments that wait."""

    base: int = -1
    next: int = 0
    end: int = -1  # offset at which FIN said the direction ends
    waiting: dict[int, Segment] = field(default_factory=dict)
    held: int = 0
    uncaptured: int = 0
    head: bytes = b""

    def offset_of(self, sequence: int) -> int:
        """Return where a sequence number lies in the stream, as near as possible to the next byte expected."""
        distance = (sequence - self.base - self.next) % SEQUENCES
        return self.next + (distance if distance < SEQUENCES // 2 else distance - SEQUENCES)


@dataclass(slots=True)
class _Connection:
    began: int
    seen: int
    ended: bool = False
    directions: tuple[_Direction, _Direction] = field(default_factory=lambda: (_Direction(), _Direction()))


class Streams:
    """All TCP connections of the control plane.

    `take` gives what a segment makes complete; `expire` and `flush` what will not become so. Counts are in `counts`.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.counts = dict.fromkeys(("retransmitted_bytes", "missing_bytes", "strange_segments", "evicted_streams"), 0)
        self.held = 0
        self._limits = limits or Limits()
        self._connections: OrderedDict[tuple[bytes, bytes], _Connection] = OrderedDict()

    def __len__(self) -> int:
        return len(self._connections)

    def take(self, source: bytes, target: bytes, segment: Segment) -> Iterator[Piece]:
        """Take a segment from `source` to `target`, each address and port; yield what it completes."""
        key, side = ((source, target), 0) if source <= target else ((target, source), 1)
        connection = self._connections.get(key)
        if connection is not None and _begins_anew(connection, side, segment):
            yield from self._end(key)
            connection = None
        if connection is None:
            yield from self._make_room()
            connection = self._connections[key] = _Connection(segment.time, segment.time)
        self._connections.move_to_end(key)
        connection.seen = max(connection.seen, segment.time)
        direction = connection.directions[side]
        yield from self._segment(connection, direction, segment)
        if segment.flags & RST and direction.offset_of(segment.sequence) == direction.next:
            yield from self._end(key)
        elif not connection.ended and all(each.next == each.end for each in connection.directions):
            yield from self._last_pieces(connection)  # what is sent again meets its memory until it is idle

    def expire(self, now: int) -> Iterator[Piece]:
        """Give up connections that have been idle for too long."""
        while self._connections:
            key, connection = next(iter(self._connections.items()))
            if now - connection.seen <= self._limits.idle:
                return
            yield from self._end(key)

    def flush(self) -> Iterator[Piece]:
        """Give up everything."""
        while self._connections:
            yield from self._end(next(iter(self._connections)))

    def _make_room(self) -> Iterator[Piece]:
        while len(self._connections) >= self._limits.connections:
            self.counts["evicted_streams"] += 1
            yield from self._end(next(iter(self._connections)))

    def _segment(self, connection: _Connection, direction: _Direction, segment: Segment) -> Iterator[Piece]:
        begin = segment.sequence + (1 if segment.flags & SYN else 0)
        if direction.base < 0:
            direction.base = begin
        offset = direction.offset_of(begin)
        if abs(offset - direction.next) > FAR:
            self.counts["strange_segments"] += 1
            return
        direction.head = segment.head
        if segment.flags & FIN:
            direction.end = offset + segment.length
        if segment.length and offset <= direction.next:
            yield from self._piece(connection, direction, offset, segment)
        elif segment.length:
            self._hold(direction, offset, segment)
        yield from self._ready(connection, direction)
        while direction.waiting and self._too_much(direction):
            yield from self._skip(connection, direction)

    def _hold(self, direction: _Direction, offset: int, segment: Segment) -> None:
        """Keep a segment until the bytes before it are there; of one that others say already, what is beyond them."""
        while before := direction.waiting.get(offset):
            known = min(before.length, segment.length)
            self.counts["retransmitted_bytes"] += known
            if known == segment.length:
                return
            offset += known
            segment = _rest(segment, known)
        direction.waiting[offset] = segment
        direction.held += len(segment.payload)
        self.held += len(segment.payload)

    def _release(self, direction: _Direction, segment: Segment) -> None:
        direction.held -= len(segment.payload)
        self.held -= len(segment.payload)

    def _too_much(self, direction: _Direction) -> bool:
        limits = self._limits
        return (
            direction.held > limits.direction_bytes
            or len(direction.waiting) > limits.direction_segments
            or self.held > limits.all_bytes
        )

    def _ready(self, connection: _Connection, direction: _Direction) -> Iterator[Piece]:
        """Yield what waits and follows on from what was given."""
        while direction.waiting:
            offset = min(direction.waiting)
            if offset > direction.next:
                return
            segment = direction.waiting.pop(offset)
            self._release(direction, segment)
            yield from self._piece(connection, direction, offset, segment)

    def _skip(self, connection: _Connection, direction: _Direction) -> Iterator[Piece]:
        """Give up waiting for the bytes before the first segment that waits."""
        offset = min(direction.waiting)
        direction.uncaptured += max(0, offset - direction.next)
        direction.next = max(direction.next, offset)
        yield from self._ready(connection, direction)

    def _piece(self, connection: _Connection, direction: _Direction, offset: int, segment: Segment) -> Iterator[Piece]:
        seen = direction.next - offset
        self.counts["retransmitted_bytes"] += min(seen, segment.length)
        if seen >= segment.length:
            return
        new = _rest(segment, seen)
        missing, direction.uncaptured = direction.uncaptured, new.length - len(new.payload)
        self.counts["missing_bytes"] += missing
        at, direction.next = direction.next, direction.next + new.length
        yield Piece(new.head, connection.began, new.time, at, missing, new.payload, new.length)

    def _end(self, key: tuple[bytes, bytes]) -> Iterator[Piece]:
        """Forget a connection, giving out what waits, with its gaps."""
        connection = self._connections.pop(key)
        for direction in connection.directions:
            while direction.waiting:
                yield from self._skip(connection, direction)
        if not connection.ended:
            yield from self._last_pieces(connection)

    def _last_pieces(self, connection: _Connection) -> Iterator[Piece]:
        """Yield an empty piece for each direction that had bytes."""
        connection.ended = True
        for direction in connection.directions:
            if direction.next:
                missing, direction.uncaptured = direction.uncaptured, 0
                self.counts["missing_bytes"] += missing
                yield Piece(
                    direction.head, connection.began, connection.seen, direction.next, missing, b"", 0, last=True
                )


def _rest(segment: Segment, known: int) -> Segment:
    """Return a segment without its first bytes."""
    if not known:
        return segment
    return segment._replace(
        sequence=(segment.sequence + known) % SEQUENCES,
        payload=segment.payload[known:],
        length=segment.length - known,
    )


def _begins_anew(connection: _Connection, side: int, segment: Segment) -> bool:
    """Whether a SYN opens another connection between the same ends."""
    direction = connection.directions[side]
    if not segment.flags & SYN or direction.base < 0:
        return False
    return (segment.sequence + 1 - direction.base) % SEQUENCES != 0
