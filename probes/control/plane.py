"""The control plane of all interfaces: blocks of packets in, batches of whole payloads out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.control.protocols import Protocols
from probes.control.selection_kernel import select
from probes.control.streams import SECOND, Limits, Piece, Segment, Streams
from probes.decode.headers import COLUMNS
from topics.control import CONTROL_DTYPE, ControlBatch, ControlFlags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from probes.capture.packets import PacketBlock
    from probes.flows.marks import Marks
    from probes.flows.probe import ProbeSettings
    from topics.batch import Heap, Records

Rows = np.ndarray[Any, np.dtype[np.int64]]

MOST_RECORDS = 8192
HEAP_BYTES = 4 << 20  # several of the longest packets that a capture may hold
MOST_MISSING = 2**32 - 1
WIDTH = CONTROL_DTYPE.itemsize
NO_IDS = np.zeros((0, 2), np.int64)


def _bytes_of(name: str) -> slice:
    """Return where a field lies in the bytes of a record."""
    fields: Mapping[str, Any] = CONTROL_DTYPE.fields or {}
    kind, begin = fields[name][:2]
    return slice(begin, begin + kind.itemsize)


SOURCE, TARGET = _bytes_of("src_address"), _bytes_of("dst_address")
SOURCE_PORT, TARGET_PORT = _bytes_of("src_port"), _bytes_of("dst_port")


class ControlPlane:
    """Picks the payloads of some protocols out of blocks of packets; what TCP carries comes in stream order.

    `settings` tell who observes, `words` which protocols (see protocols.py), `names` are those of interfaces that have
    one of their own. Payloads of a block are given in the order of capture.
    """

    def __init__(
        self,
        settings: ProbeSettings,
        words: Iterable[str] = (),
        names: Mapping[str, str] | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
    ) -> None:
        self.protocols = Protocols(words)
        self.settings, self._names, self._limits = settings, names or {}, limits
        self._streams: dict[str, Streams] = {}
        self._second = self._taken_in_second = self._too_many = 0
        self._payloads = dict.fromkeys(self.protocols.kinds, 0)
        self._bytes = 0
        self._clock = 0
        self._records = np.zeros(MOST_RECORDS, CONTROL_DTYPE)
        self._sequences = np.zeros((MOST_RECORDS, 2), np.int64)
        self._heap = np.zeros(HEAP_BYTES, np.uint8)
        self._row = np.zeros(COLUMNS, np.int64)

    def take(self, block: PacketBlock, marks: Marks | None = None) -> Iterator[ControlBatch]:
        """Yield the payloads of a block, and what it makes complete.

        `marks` are those that the flow table left on the block, with these protocols: only marked packets are looked
        at, and payloads tell their flow. Without them all packets are, and ids of flows are zero.
        """
        taken, tables = 0, self.protocols
        places = np.arange(len(block.packets)) if marks is None else marks.places
        while len(block.packets) and taken < len(places):
            taken, count, used = select(
                block.data,
                block.packets,
                places,
                NO_IDS if marks is None else marks.ids,
                taken,
                self.settings.tunnels,
                tables.ports.reshape(-1),
                tables.ip,
                tables.ether,
                self._row,
                self._records,
                self._sequences,
                self._heap,
            )
            if count:
                yield from self._batches(block.interface, *self._in_order(block.interface, count, used))
        if len(block.packets):
            self._clock = max(self._clock, block.totals.last)
        yield from self._expire(max(self._clock, block.now))

    def flush(self) -> Iterator[ControlBatch]:
        """Yield what still waits for bytes before it."""
        for interface, streams in self._streams.items():
            yield from self._batches(interface, *_given_up(list(streams.flush())))

    def follow(self, words: Iterable[str]) -> Iterator[ControlBatch]:
        """Pick other protocols from now on, after yielding what waits; changes nothing but raises SettingsError."""
        protocols = Protocols(words)
        yield from self.flush()
        self.protocols = protocols
        self._payloads = dict.fromkeys(protocols.kinds, 0) | self._payloads

    def counts(self) -> dict[str, int]:
        """Return how many payloads of each kind were given, their bytes, and what the streams counted."""
        counts = {f"payloads_{kind}": count for kind, count in self._payloads.items() if count}
        for streams in list(self._streams.values()):
            for name, count in streams.counts.items():
                counts[name] = counts.get(name, 0) + count
            counts["streams"] = counts.get("streams", 0) + len(streams)
            counts["waiting_bytes"] = counts.get("waiting_bytes", 0) + streams.held
        return counts | {"bytes": self._bytes, "dropped_segments": self._too_many}

    def _expire(self, now: int) -> Iterator[ControlBatch]:
        for interface, streams in self._streams.items():
            if pieces := list(streams.expire(now)):
                yield from self._batches(interface, *_given_up(pieces))

    def _in_order(self, interface: str, count: int, used: int) -> tuple[Records, Heap]:
        """Return what was selected, with the bytes of TCP as they become complete instead of its segments."""
        records, heap = self._records[:count], self._heap[:used].copy()
        streamed = (records["flags"] & ControlFlags.STREAM) != 0
        if not streamed.any():
            return records.copy(), heap
        rows, pieces = self._pieces(interface, records, self._affordable(records, np.flatnonzero(streamed)), heap)
        others, later = records[~streamed], _records_of(pieces)
        later["payload_offset"] += np.uint32(used)
        order = np.argsort(np.concatenate([np.flatnonzero(~streamed), rows]), kind="stable")
        joined = np.concatenate([others, later])[order]
        return joined, np.concatenate([heap, _heap_of(pieces)])

    def _affordable(self, records: Records, rows: Rows) -> Rows:
        """Return the segments that may still be taken in their second; a flood must not hold up the capture."""
        if not self._limits.rate:
            return rows
        second = int(records["time"][rows[-1]]) // SECOND
        if second != self._second:
            self._second, self._taken_in_second = second, 0
        taken = rows[: max(0, self._limits.rate - self._taken_in_second)]
        self._taken_in_second += len(taken)
        self._too_many += len(rows) - len(taken)
        return taken

    def _pieces(self, interface: str, records: Records, rows: Rows, heap: Heap) -> tuple[Rows, list[Piece]]:
        """Give segments to their streams; return what became complete, and the rows of the segments that did it."""
        streams = self._streams.setdefault(interface, Streams(self._limits))
        chosen, payloads = records[rows], heap.tobytes()
        heads = chosen.tobytes()
        begins, lengths = chosen["payload_offset"].tolist(), chosen["payload_length"].tolist()
        times, wires = chosen["time"].tolist(), chosen["wire_length"].tolist()
        sequences, flags = self._sequences[rows, 0].tolist(), self._sequences[rows, 1].tolist()
        done: list[Piece] = []
        counts = []
        for index in range(len(rows)):
            head = heads[index * WIDTH : (index + 1) * WIDTH]
            payload = payloads[begins[index] : begins[index] + lengths[index]]
            segment = Segment(head, times[index], sequences[index], flags[index], payload, wires[index])
            before = len(done)
            done += streams.take(head[SOURCE] + head[SOURCE_PORT], head[TARGET] + head[TARGET_PORT], segment)
            counts.append(len(done) - before)
        return np.repeat(rows, counts), done

    def _batches(self, interface: str, records: Records, heap: Heap) -> Iterator[ControlBatch]:
        if not len(records):
            return
        kinds = self.protocols.kinds
        for kind, count in enumerate(np.bincount(records["kind"], minlength=len(kinds)).tolist()):
            if count and kind < len(kinds):
                self._payloads[kinds[kind]] += count
        self._bytes += int(records["payload_length"].sum(dtype=np.int64))
        settings = self.settings
        yield ControlBatch(
            records,
            heap,
            site=settings.site,
            probe=self._names.get(interface, settings.probe),
            interface=interface,
            boot_id=settings.boot_id,
            kinds=kinds,
        )


def _given_up(pieces: list[Piece]) -> tuple[Records, Heap]:
    return _records_of(pieces), _heap_of(pieces)


def _records_of(pieces: list[Piece]) -> Records:
    """Return records for pieces, whose payloads lie one after the other."""
    records = np.frombuffer(b"".join([piece.head for piece in pieces]), CONTROL_DTYPE).copy()
    lengths = np.array([len(piece.payload) for piece in pieces], np.int64)
    records["time"] = [piece.time for piece in pieces]
    records["stream"] = [piece.stream for piece in pieces]
    records["stream_offset"] = [piece.offset for piece in pieces]
    records["missing"] = [min(piece.missing, MOST_MISSING) for piece in pieces]
    records["wire_length"] = [piece.length for piece in pieces]
    records["payload_length"], records["payload_offset"] = lengths, np.cumsum(lengths) - lengths
    truncated = np.where(lengths < records["wire_length"], int(ControlFlags.TRUNCATED), 0)
    last = np.where([piece.last for piece in pieces], int(ControlFlags.LAST), 0)
    records["flags"] = int(ControlFlags.STREAM) | truncated | last
    return records


def _heap_of(pieces: list[Piece]) -> Heap:
    return np.frombuffer(b"".join([piece.payload for piece in pieces]), np.uint8)
