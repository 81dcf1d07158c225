"""Bytes of an Argus file or stream to batches of flow records, whatever pieces they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from topics.argus import layout as at
from topics.argus.decode import kernel
from topics.argus.initiator import put_right
from topics.argus.management import INTERVALS, NANO, plain, read_management, source_name
from topics.batch import FlowBatch, Observer
from topics.errors import ArgusError
from topics.record import FLOW_DTYPE, empty_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.argus.management import Management

BATCH = 16_384  # records
NOTES = 256  # management and event records between two looks at them
MOST_SOURCES = 4096
SHORT = 64  # bytes of a record: few are shorter
HEAP, HEAP_SPARE = 1 << 20, 4096  # bytes: more than one record may need
NOTHING = np.zeros(0, np.uint8)
Views: TypeAlias = tuple[Any, Any, Any, Any, Any]
"""The same bytes as words of the network and of memory, as floats likewise, and plain."""
REASONS = {
    kernel.NO_LENGTH: "a record without a length",
    kernel.BAD_VERSION: "a record of no version that is read (3 and 5 are), or no records of Argus",
    kernel.BAD_PART: "a record with a part that is longer than the record",
}


class ArgusDecoder:
    """Takes the bytes of one file or connection in order; `name` stands in the errors.

    `managements` and `events` collect what is no flow, for whoever takes it out again. `source` names records whose
    probe is not told. All counters are since the beginning: flow records, records of other kinds, parts not known.
    """

    def __init__(self, name: str, site: str = "", source: str = "") -> None:
        self.name, self._site, self._nameless = name, site, source
        self.offset = 0
        self.managements: list[Management] = []
        self.events: list[bytes] = []
        self.observers: dict[int, Observer] = {}
        self.state = np.zeros(kernel.STATE, np.int64)
        self._left = NOTHING
        self._sources = np.zeros((MOST_SOURCES + 1, at.SOURCE_WORDS), np.uint32)
        self._ids = np.zeros(MOST_SOURCES + 1, np.int64)
        self._noted = np.zeros(NOTES, np.int64)
        self._begun = False
        self._interval = INTERVALS[0] * NANO

    @property
    def flows(self) -> int:
        """Flow records so far."""
        return int(self.state[kernel.FLOWS])

    @property
    def others(self) -> int:
        """Management, event and other records so far."""
        kinds = (kernel.MANAGEMENT_RECORDS, kernel.EVENT_RECORDS, kernel.OTHERS)
        return int(sum(self.state[kind] for kind in kinds))

    def feed(self, data: bytes | np.ndarray[Any, np.dtype[np.uint8]]) -> Iterator[FlowBatch]:
        """Yield the records that are whole by now, up to BATCH at a time.

        Raises ArgusError naming the offset of the first byte that is no record of Argus.
        """
        octets = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
        if len(self._left):
            octets = np.concatenate([self._left, octets])
        self._begin(octets)
        whole = len(octets) // at.WORD * at.WORD
        views = self._views(octets[:whole])
        place, why = 0, kernel.FULL
        while why != kernel.END:
            records = empty_records(min(BATCH, whole // SHORT + 1))
            heap = np.empty(min(HEAP, whole + HEAP_SPARE), np.uint8)
            place, why = self._decode(views, place, records, heap)
            count = int(self.state[kernel.ROWS])
            if count:
                yield self._batch(records[:count], heap[: int(self.state[kernel.HEAP_USED])])
            if why in REASONS:
                raise ArgusError(self.name, self.offset + at.WORD * self._place(place, why), REASONS[why])
        self.offset += at.WORD * place
        self._left = octets[at.WORD * place :].copy()

    def end(self) -> None:
        """Say that nothing follows; raises ArgusError when the last record is not whole."""
        if len(self._left):
            raise ArgusError(self.name, self.offset, f"the last record is cut off after {len(self._left)} bytes")

    def _begin(self, octets: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        if not self._begun and len(octets) >= at.WORD:
            self._begun = True
            if octets[0] & 15 not in at.VERSIONS or not octets[0] >> 4 or octets[0] >> 4 > at.MANAGEMENT:
                raise ArgusError(self.name, 0, "no records of Argus, version 3 or 5,")

    def _place(self, place: int, why: int) -> int:
        return int(self.state[kernel.PLACE]) if why == kernel.BAD_PART else place

    @staticmethod
    def _views(octets: np.ndarray[Any, np.dtype[np.uint8]]) -> Views:
        octets = np.ascontiguousarray(octets)
        raw = octets.view("<u4")
        words = raw.byteswap()
        return words, raw, words.view(np.float32), raw.view(np.float32), octets

    def _decode(
        self,
        views: Views,
        place: int,
        records: np.ndarray[Any, np.dtype[np.void]],
        heap: np.ndarray[Any, np.dtype[np.uint8]],
    ) -> tuple[int, int]:
        """Fill records and heap; return how far it came and why no further."""
        state, words32 = self.state, records.view(np.uint32).reshape(len(records), FLOW_DTYPE.itemsize // at.WORD)
        state[kernel.ROWS] = state[kernel.HEAP_USED] = 0
        while True:
            place = int(
                kernel.decode(*views, place, records, words32, heap, self._sources, self._ids, self._noted, state)
            )
            why = int(state[kernel.WHY])
            self._take_notes(views[-1])
            if why == kernel.NEW_SOURCE:
                self._add_source(place)
            elif why != kernel.MANY_NOTED:
                return place, why

    def _take_notes(self, octets: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        for word in self._noted[: int(self.state[kernel.NOTED])].tolist():
            first = at.WORD * word
            length = at.WORD * (int(octets[first + 2]) << 8 | int(octets[first + 3]))
            data = octets[first : first + length].tobytes()
            if data[0] >> 4 == at.EVENT:
                self.events.append(data)
            elif (management := read_management(data)) is not None:
                self.managements.append(management)
                self._interval = management.report_interval * NANO

    def _add_source(self, place: int) -> None:
        number = int(self.state[kernel.SOURCES])
        if number == MOST_SOURCES:
            raise ArgusError(self.name, self.offset + at.WORD * place, f"more than {MOST_SOURCES} sources")
        row = self._sources[number]
        kind, value = int(row[0]), row[1:5].tobytes()
        name = source_name(kind, value) or self._nameless
        observer = Observer(self._site, name, plain(row[5:6].tobytes()))
        self._ids[number] = observer.id
        self.observers[observer.id] = observer
        self.state[kernel.SOURCES] = number + 1

    def _batch(
        self, records: np.ndarray[Any, np.dtype[np.void]], heap: np.ndarray[Any, np.dtype[np.uint8]]
    ) -> FlowBatch:
        put_right(records)
        first = self.observers[int(records["observer"][0])]
        return FlowBatch(
            records=records,
            heap=heap if len(heap) == 0 else heap.copy(),
            site=self._site,
            probe=first.probe,
            status_interval=self._interval,
            observers=dict(self.observers),
        )


def warm_up() -> None:
    """Compile the kernel."""
    list(ArgusDecoder("warm-up").feed(bytes(0)))
