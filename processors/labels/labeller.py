"""Writes labels into batches of flows: a few lookups a flow, everything that can be known before is kept as text."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from processors.labels.interned import Memory, Numbered, Texts, words_of
from processors.labels.text import replaced, value_text
from topics.address_text import IP_ETHERTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from processors.labels.interned import Numbers, Parts, Words
    from processors.names.table import Span
    from topics.batch import FlowBatch, Records

Batch = TypeVar("Batch", bound="FlowBatch")

REFRESH_SECONDS = 5.0
MOST_REMEMBERED = 262_144  # addresses, and texts
SIDES = ("src", "dst")
PAIR = 32  # bytes of keys
ADDRESS = 16
MACS = 12
CODE = 8
NEVER = (0, -1, 0)


class Facts(Protocol):
    """What lists and databases say, as label texts that end with a colon where they say anything."""

    @property
    def rules(self) -> Callable[[FlowBatch], list[bytes]] | None:
        """What rules say of each flow of a batch, without the final colon."""

    @property
    def with_vendors(self) -> bool:
        """Whether anything is known of stations."""

    @property
    def with_services(self) -> bool:
        """Whether ports are named."""

    def addresses(self, addresses: list[bytes]) -> list[tuple[bytes, bytes]]:
        """Return the labels of addresses (16 bytes) as sources and as destinations."""

    def stations(self, macs: bytes) -> bytes:
        """Return the labels of source and destination MAC (12 bytes)."""

    def service(self, code: int) -> bytes:
        """Return the labels of a protocol and a destination port (protocol * 65536 + port)."""

    def name(self, name: str) -> bytes:
        """Return the labels of a name that the client had asked for, `dname=` among them."""

    @property
    def reading(self) -> bool:
        """Whether something that was replaced is being read."""

    def refresh(self) -> bool:
        """Look for what was replaced, and take what was read of it; tell whether anything was taken."""


class Names(Protocol):
    """Names as of a time, by client and address (32 bytes)."""

    @property
    def spans(self) -> Mapping[bytes, Sequence[Span]]:
        """Names with the time they were asked for and until when they hold, the last one asked for last."""


class Labeller:
    """Labels flows by `facts`, and with the name that had led the client to the server, as of the start of the flow.

    The pieces that a flow is reported in get one name: each tells when the flow began. Labels that the flow has stay,
    but for keys that are said anew. Labels are written into the batches given. Every REFRESH_SECONDS of `clock`,
    `facts` may read again what was replaced.
    """

    def __init__(self, facts: Facts, names: Names | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._facts, self._names, self._clock = facts, names, clock
        self._refreshed = clock()
        self.named = self.labelled = 0
        self._forget()

    def process(self, batch: Batch) -> list[Batch]:
        """Label the flows of a batch."""
        if not len(batch):
            return [batch]
        self._refresh()
        parts = self._parts(batch)
        if batch.records["labels_length"].any():
            labelled = self._written(batch, self._texts.columns(parts))
        else:
            labelled = self._gathered(batch, parts)
        if self._facts.rules is not None:
            texts = [text and text + b":" for text in self._facts.rules(labelled)]
            labelled = self._written(labelled, [texts])
        return [labelled]

    def flush(self) -> list[FlowBatch]:
        """Return nothing: flows are not held back."""
        return []

    def _refresh(self) -> None:
        """Take what was read anew, and let memory not grow for ever."""
        is_time = self._clock() - self._refreshed >= REFRESH_SECONDS
        is_new = (is_time or self._facts.reading) and self._facts.refresh()
        if is_time:
            self._refreshed = self._clock()
        if is_new or max(len(self._texts), len(self._addresses)) > MOST_REMEMBERED:
            self._forget()

    def _forget(self) -> None:
        facts, texts = self._facts, Texts()
        self._texts = texts
        self._addresses = Memory(texts, 2, ADDRESS, facts.addresses, len(SIDES))
        self._stations = Memory(texts, 2, MACS, lambda macs: [(facts.stations(each),) for each in macs])
        self._services = Memory(
            texts, 1, CODE, lambda codes: [(facts.service(int.from_bytes(each, "little")),) for each in codes]
        )
        self._led, self._turned = _Said(texts, facts.name), _Said(texts, _source_name)

    def _parts(self, batch: FlowBatch) -> Parts:
        """Return the numbers of the texts that make up the labels of each flow, shape (n, kinds)."""
        records, facts = batch.records, self._facts
        ends = [words_of(records[f"{side}_address"], words=2) for side in SIDES]
        said = self._addresses.said(np.concatenate(ends))
        columns = [said[: len(batch), 0], said[len(batch) :, 1]]
        if facts.with_services:
            codes = records["protocol"].astype(np.uint64) << np.uint64(16) | records["dst_port"]
            columns.append(self._services.said(codes.reshape(-1, 1))[:, 0])
        if self._names is not None and self._names.spans:
            columns.append(self._name_parts(records, np.concatenate(ends, axis=1)))
        is_ip = np.logical_or.reduce([records["ethertype"] == each for each in IP_ETHERTYPES])
        if not is_ip.all():
            columns = [np.where(is_ip, column, np.int32(0)) for column in columns]
        if facts.with_vendors:
            macs = words_of(records["src_mac"], records["dst_mac"], words=2)
            columns.append(self._stations.said(macs)[:, 0])
        return np.stack(columns, axis=1).astype(np.int32)

    def _name_parts(self, records: Records, pairs: Words) -> Parts:
        """Return the numbers of what names say: that of the server, or else of a server that seems to be the source."""
        starts = _starts(records)
        found = self._led_to(pairs, starts, self._led)
        self.named += int(np.count_nonzero(found))
        turned = np.flatnonzero((records["src_port"] < records["dst_port"]) & (found == 0))
        if len(turned):
            reversed_pairs = np.ascontiguousarray(pairs[turned][:, [2, 3, 0, 1]])
            found[turned] = self._led_to(reversed_pairs, starts[turned], self._turned)
        return found

    def _led_to(self, pairs: Words, starts: Numbers, said: _Said) -> Parts:
        """Return the numbers of what is said of the names that had led clients to servers; 0 without one."""
        unique = Numbered(pairs.shape[1], len(pairs))
        places = unique.numbers(pairs)
        known = list(map(self._names.spans.get, unique.keys_from(0, PAIR)) if self._names else ())
        if not any(known):
            return np.zeros(len(pairs), np.int32)
        last = [NEVER if spans is None else (spans[-1][0], spans[-1][1], said[spans[-1][2]]) for spans in known]
        first, until, name = (column[places] for column in np.array(last, np.int64).T)
        found = np.where((first <= starts) & (starts <= until), name, 0).astype(np.int32)
        several = np.fromiter((spans is not None and len(spans) > 1 for spans in known), np.bool_, len(known))
        for row in np.flatnonzero(several[places] & (found == 0)).tolist():
            own = as_of(known[places[row]] or (), int(starts[row]))
            found[row] = 0 if own is None else said[own]
        return found

    def _gathered(self, batch: Batch, parts: Parts) -> Batch:
        """Put labels behind the heap of a batch whose flows have none, the last colon of each unused."""
        heap, lengths = self._texts.joined(batch.heap, parts)
        self._place(batch, lengths)
        return cast("Batch", batch.replace(heap=heap))

    def _place(self, batch: FlowBatch, lengths: Numbers) -> None:
        records = batch.records
        self.labelled += int(np.count_nonzero(lengths))
        records["labels_offset"] = len(batch.heap) + np.cumsum(lengths) - lengths
        records["labels_length"] = np.maximum(lengths - 1, 0)

    def _written(self, batch: Batch, columns: list[list[bytes]]) -> Batch:
        """Put labels behind the heap of a batch, parts one after the other, the last colon of each flow unused."""
        records, count = batch.records, len(batch)
        known = np.flatnonzero(records["labels_length"]).tolist()
        if known:
            columns = [list(map(b"".join, zip(*columns, strict=True)))]
            for row in known:
                columns[0][row] = replaced(batch.heap_value(row, "labels"), columns[0][row][:-1]) + b":"
        lengths = np.zeros(count, np.int64)
        for column in columns:
            lengths += np.fromiter(map(len, column), np.int64, count)
        self._place(batch, lengths)
        parts = columns[0] if len(columns) == 1 else chain.from_iterable(zip(*columns, strict=True))
        added: Any = np.frombuffer(b"".join(parts), np.uint8)
        return cast("Batch", batch.replace(heap=np.concatenate([batch.heap, added])))


class _Said(dict[str, int]):
    """The numbers of what `say` makes of names."""

    def __init__(self, texts: Texts, say: Callable[[str], bytes]) -> None:
        super().__init__()
        self._texts, self._say = texts, say

    def __missing__(self, name: str) -> int:
        self[name] = self._texts.number(self._say(name))
        return self[name]


def as_of(spans: Sequence[Span], time: int) -> str | None:
    """Return the name asked for last before a time that still holds then."""
    for first, until, name in reversed(spans):
        if first <= time <= until:
            return name
    return None


def _source_name(name: str) -> bytes:
    return b"sname=" + value_text(name).encode() + b":"


def _starts(records: Records) -> Numbers:
    """Return when each flow began, ns, by its first packets where a record does not say."""
    first, second, start = records["src_first"], records["dst_first"], records["flow_start"]
    earliest = np.minimum(np.where(first > 0, first, second), np.where(second > 0, second, first))
    return np.where(start > 0, start, earliest)
