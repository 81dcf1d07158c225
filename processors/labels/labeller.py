"""Writes labels into batches of flows: a few lookups a flow, everything that can be known before is kept as text."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from processors.labels.interned import Memory, Texts, words_of
from processors.labels.label_kernels import ends
from processors.labels.text import replaced, value_text
from topics.address_text import IP_ETHERTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processors.labels.interned import Numbers, Parts, Words
    from processors.labels.prefixes import Addresses
    from topics.batch import FlowBatch, Records

Batch = TypeVar("Batch", bound="FlowBatch")
Flags = np.ndarray[Any, np.dtype[np.bool_]]

REFRESH_SECONDS = 5.0
MOST_REMEMBERED = 262_144  # addresses, and texts
SIDES = ("src", "dst")
MACS = 12  # bytes
IP = np.array(IP_ETHERTYPES, np.uint16)


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

    def addresses(self, addresses: Addresses) -> list[tuple[bytes, bytes]]:
        """Return the labels of addresses (S16) as sources and as destinations."""

    def stations(self, macs: bytes) -> bytes:
        """Return the labels of source and destination MAC (12 bytes)."""

    def service(self, code: int) -> bytes:
        """Return the labels of a protocol and a destination port (protocol * 65536 + port)."""

    def names(self, names: Sequence[str]) -> list[bytes]:
        """Return the labels of names that clients had asked for, `dname=` among them."""

    @property
    def reading(self) -> bool:
        """Whether something that was replaced is being read."""

    def refresh(self) -> bool:
        """Look for what was replaced, and take what was read of it; tell whether anything was taken."""


class Names(Protocol):
    """Names as of a time, by client and address (32 bytes as four words)."""

    def find(self, pairs: Words, times: Numbers) -> Words:
        """Return the numbers of names as of times (ns), 0 without one."""

    def text(self, number: int) -> str:
        """Return the name of a number that was just found."""


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
        self.refresh()
        parts = self._parts(batch)
        if batch.records["labels_length"].any():
            labelled = self._written(batch, self._texts.columns(parts))
        else:
            labelled = self._gathered(batch, parts)
        if self._facts.rules is not None:
            texts = [text and text + b":" for text in self._facts.rules(labelled)]
            labelled = self._written(labelled, [texts])
        return [labelled]

    def refresh(self) -> None:
        """Look for what was replaced, take what was read anew, and let memory not grow for ever; cheap, and often."""
        is_time = self._clock() - self._refreshed >= REFRESH_SECONDS
        is_new = (is_time or self._facts.reading) and self._facts.refresh()
        if is_time:
            self._refreshed = self._clock()
        if is_new or max(len(self._texts), len(self._addresses)) > MOST_REMEMBERED:
            self._forget()

    def flush(self) -> list[FlowBatch]:
        """Return nothing: flows are not held back."""
        return []

    def _forget(self) -> None:
        facts, texts = self._facts, Texts()
        self._texts = texts
        self._addresses = Memory(texts, 2, lambda keys: facts.addresses(keys.view("S16")[:, 0]), len(SIDES))
        self._stations = Memory(texts, 2, lambda keys: [(facts.stations(each.tobytes()[:MACS]),) for each in keys])
        self._services = Memory(texts, 1, lambda keys: [(facts.service(code),) for code in keys[:, 0].tolist()])
        self._led = Memory(texts, 1, lambda keys: [(text,) for text in facts.names(self._texts_of(keys))])
        self._turned = Memory(texts, 1, lambda keys: [(_source_name(name),) for name in self._texts_of(keys)])

    def _texts_of(self, names: Words) -> list[str]:
        return [self._names.text(number) for number in names[:, 0].tolist()] if self._names is not None else []

    def _parts(self, batch: FlowBatch) -> Parts:
        """Return the numbers of the texts that make up the labels of each flow, shape (n, kinds)."""
        records, facts, count = batch.records, self._facts, len(batch)
        keys, pairs, starts, is_ip = _ends(records)
        parts = np.zeros((count, 5), np.int32)
        said = self._addresses.said(keys)
        parts[:, 0], parts[:, 1] = said[:count, 0], said[count:, 1]
        if facts.with_services:
            codes = records["protocol"].astype(np.uint64) << np.uint64(16) | records["dst_port"]
            parts[:, 2] = self._services.said(codes.reshape(-1, 1))[:, 0]
        if self._names is not None:
            parts[:, 3] = self._name_parts(self._names, records, pairs, starts)
        if not is_ip.all():
            parts[~is_ip] = 0
        if facts.with_vendors:
            macs = words_of(records["src_mac"], records["dst_mac"], words=2)
            parts[:, 4] = self._stations.said(macs)[:, 0]
        return parts

    def _name_parts(self, names: Names, records: Records, pairs: Words, starts: Numbers) -> Parts:
        """Return the numbers of what names say: that of the server, or else of a server that seems to be the source."""
        found = _said(self._led, names.find(pairs, starts))
        self.named += int(np.count_nonzero(found))
        turned = np.flatnonzero((records["src_port"] < records["dst_port"]) & (found == 0))
        if len(turned):
            reversed_pairs = np.ascontiguousarray(pairs[turned][:, [2, 3, 0, 1]])
            found[turned] = _said(self._turned, names.find(reversed_pairs, starts[turned]))
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


def _said(memory: Memory, numbers: Words) -> Parts:
    """Return the numbers of what is said of names, 0 where there is none."""
    found = np.zeros(len(numbers), np.int32)
    named = np.flatnonzero(numbers)
    if len(named):
        found[named] = memory.said(numbers[named].reshape(-1, 1))[:, 0]
    return found


def _source_name(name: str) -> bytes:
    return b"sname=" + value_text(name).encode() + b":"


def _ends(records: Records) -> tuple[Words, Words, Numbers, Flags]:
    """Return addresses, sources before destinations; both side by side; when flows began (ns); if they are IP."""
    count = len(records)
    keys, pairs = np.empty((2 * count, 16), np.uint8), np.empty((count, 32), np.uint8)
    starts, is_ip = np.empty(count, np.int64), np.empty(count, np.bool_)
    source, target, ethertype = (records[name] for name in ("src_address", "dst_address", "ethertype"))
    first, second, begun = (records[name] for name in ("src_first", "dst_first", "flow_start"))
    ends(source, target, ethertype, IP, first, second, begun, keys, pairs, starts, is_ip)
    return keys.view(np.uint64), pairs.view(np.uint64), starts, is_ip
