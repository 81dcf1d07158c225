"""Writes labels into batches of flows: a few lookups a flow, everything that can be known before is kept as text."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from processors.labels.text import replaced, value_text
from topics.address_text import IP_ETHERTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from processors.names.table import Span
    from topics.batch import FlowBatch, Records

Batch = TypeVar("Batch", bound="FlowBatch")

REFRESH_SECONDS = 5.0
PAIR = 32
ADDRESS = 16
MACS = 12


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

    @property
    def source(self) -> Callable[[bytes], bytes]:
        """Labels of a source address (16 bytes)."""

    @property
    def destination(self) -> Callable[[bytes], bytes]:
        """Labels of a destination address."""

    @property
    def stations(self) -> Callable[[bytes], bytes]:
        """Labels of source and destination MAC (12 bytes)."""

    @property
    def service(self) -> Callable[[int], bytes]:
        """Labels of a protocol and a destination port (protocol * 65536 + port)."""

    @property
    def name(self) -> Callable[[str], bytes]:
        """Labels of a name that the client had asked for, `dname=` among them."""

    def refresh(self) -> bool:
        """Read again what was replaced; tell whether anything was."""


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

    def process(self, batch: Batch) -> list[Batch]:
        """Label the flows of a batch."""
        if not len(batch):
            return [batch]
        if self._clock() - self._refreshed >= REFRESH_SECONDS:
            self._facts.refresh()
            self._refreshed = self._clock()
        labelled = self._written(batch, self._columns(batch))
        if self._facts.rules is not None:
            texts = [text and text + b":" for text in self._facts.rules(labelled)]
            labelled = self._written(labelled, [texts])
        return [labelled]

    def flush(self) -> list[FlowBatch]:
        """Return nothing: flows are not held back."""
        return []

    def _columns(self, batch: FlowBatch) -> list[list[bytes]]:
        records, facts = batch.records, self._facts
        data = np.concatenate([records["src_address"], records["dst_address"]], axis=1).tobytes()
        is_ip = np.isin(records["ethertype"], IP_ETHERTYPES)
        pairs = [data[at : at + PAIR] for at in range(0, len(data), PAIR)]
        ends = {pair: facts.source(pair[:ADDRESS]) + facts.destination(pair[ADDRESS:]) for pair in dict.fromkeys(pairs)}
        columns = [list(map(ends.__getitem__, pairs))]
        if facts.with_services:
            codes = records["protocol"].astype(np.int64) << 16 | records["dst_port"]
            columns.append(list(map(facts.service, codes.tolist())))
        if self._names is not None:
            columns.append(self._name_texts(records, pairs))
        if not is_ip.all():
            for row in np.flatnonzero(~is_ip).tolist():
                for column in columns:
                    column[row] = b""
        if facts.with_vendors:
            macs = np.concatenate([records["src_mac"], records["dst_mac"]], axis=1).tobytes()
            columns.append([facts.stations(macs[at : at + MACS]) for at in range(0, len(macs), MACS)])
        return columns

    def _name_texts(self, records: Records, pairs: list[bytes]) -> list[bytes]:
        spans, say = self._names.spans if self._names else {}, self._facts.name
        get, texts, starts = spans.get, [b""] * len(pairs), _starts(records)
        held = {pair: found for pair in dict.fromkeys(pairs) if (found := get(pair)) is not None}
        for row, found in enumerate(map(held.get, pairs)):
            if found is not None:
                start, (first, until, name) = starts[row], found[-1]
                known = name if first <= start <= until else as_of(found, start)
                if known is not None:
                    texts[row] = say(known)
                    self.named += 1
        for row in np.flatnonzero(records["src_port"] < records["dst_port"] if spans else []).tolist():
            pair = pairs[row]
            if (
                not texts[row]
                and (found := get(pair[ADDRESS:] + pair[:ADDRESS]))
                and (own := as_of(found, starts[row]))
            ):
                texts[row] = b"sname=" + value_text(own).encode() + b":"
        return texts

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
        self.labelled += int(np.count_nonzero(lengths))
        records["labels_offset"] = len(batch.heap) + np.cumsum(lengths) - lengths
        records["labels_length"] = np.maximum(lengths - 1, 0)
        parts = columns[0] if len(columns) == 1 else chain.from_iterable(zip(*columns, strict=True))
        added: Any = np.frombuffer(b"".join(parts), np.uint8)
        return cast("Batch", batch.replace(heap=np.concatenate([batch.heap, added])))


def as_of(spans: Sequence[Span], time: int) -> str | None:
    """Return the name asked for last before a time that still holds then."""
    for first, until, name in reversed(spans):
        if first <= time <= until:
            return name
    return None


def _starts(records: Records) -> list[int]:
    """Return when each flow began, ns, by its first packets where a record does not say."""
    first, second, start = records["src_first"], records["dst_first"], records["flow_start"]
    earliest = np.minimum(np.where(first > 0, first, second), np.where(second > 0, second, first))
    return list(np.where(start > 0, start, earliest).tolist())
