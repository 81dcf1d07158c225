"""Writes labels into batches of flows: a few lookups a flow, everything that can be known before is kept as text."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from processors.labels.text import joined, replaced, value_text
from topics.address_text import IP_ETHERTYPES
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from processors.names.table import Span
    from topics.batch import FlowBatch, Records

Batch = TypeVar("Batch", bound="FlowBatch")

MOST_CONTINUED = 100_000
PAIR = 32
ADDRESS = 16
MACS = 12
STATUS = next(field for field in flow_fields() if field.name == "cause").symbols.index("status")


class Facts(Protocol):
    """What lists and databases say, as label texts; each a cache that fills itself."""

    rules: Callable[[FlowBatch], list[bytes]] | None
    with_vendors: bool
    with_services: bool

    def ends(self, pair: bytes) -> bytes:
        """Return the labels of source and destination address (32 bytes)."""

    def stations(self, macs: bytes) -> bytes:
        """Return the labels of source and destination MAC (12 bytes)."""

    def service(self, code: int) -> bytes:
        """Return the labels of a protocol and a destination port (protocol * 65536 + port)."""

    def name(self, name: str) -> bytes:
        """Return the labels of a name that the client had asked for, `dname=` among them."""


class Names(Protocol):
    """Names as of a time, by client and address (32 bytes)."""

    @property
    def spans(self) -> Mapping[bytes, Sequence[Span]]:
        """Names with the time they were asked for and until when they hold, the last one asked for last."""


class Labeller:
    """Labels flows by `facts`, and with the name that had led the client to the server, as of the start of the flow.

    A flow that is reported in pieces keeps its name. Labels that the flow has stay, but for keys that are said anew.
    Labels are written into the batches given.
    """

    def __init__(self, facts: Facts, names: Names | None = None) -> None:
        self._facts, self._names = facts, names
        self._continued: OrderedDict[bytes, bytes] = OrderedDict()
        self.named = self.labelled = 0

    def process(self, batch: Batch) -> list[Batch]:
        """Label the flows of a batch."""
        if not len(batch):
            return [batch]
        labelled = self._written(batch, self._texts(batch))
        if self._facts.rules is not None:
            labelled = self._written(labelled, self._facts.rules(labelled))
        return [labelled]

    def flush(self) -> list[FlowBatch]:
        """Return nothing: flows are not held back."""
        return []

    def _texts(self, batch: FlowBatch) -> list[bytes]:
        records, facts = batch.records, self._facts
        data = np.concatenate([records["src_address"], records["dst_address"]], axis=1).tobytes()
        pairs = [data[at : at + PAIR] for at in range(0, len(data), PAIR)]
        columns: list[list[bytes]] = [list(map(facts.ends, pairs))]
        if facts.with_services:
            codes = records["protocol"].astype(np.int64) << 16 | records["dst_port"]
            columns.append(list(map(facts.service, codes.tolist())))
        if facts.with_vendors:
            macs = np.concatenate([records["src_mac"], records["dst_mac"]], axis=1).tobytes()
            columns.append([facts.stations(macs[at : at + MACS]) for at in range(0, len(macs), MACS)])
        if self._names is not None:
            columns.append(self._name_texts(records, pairs))
        texts = list(map(joined, zip(*columns, strict=True))) if len(columns) > 1 else columns[0]
        is_ip = np.isin(records["ethertype"], IP_ETHERTYPES)
        if not is_ip.all():
            for row in np.flatnonzero(~is_ip).tolist():
                texts[row] = columns[2][row] if facts.with_services and facts.with_vendors else b""
        return texts

    def _name_texts(self, records: Records, pairs: list[bytes]) -> list[bytes]:
        spans, say = self._names.spans if self._names else {}, self._facts.name
        texts = [b""] * len(pairs)
        for row, (pair, start) in enumerate(zip(pairs, _starts(records), strict=True)):
            found = spans.get(pair)
            if found is not None and (name := as_of(found, start)):
                texts[row] = say(name)
                self.named += 1
            elif (found := spans.get(pair[ADDRESS:] + pair[:ADDRESS])) is not None and (name := as_of(found, start)):
                texts[row] = b"sname=" + value_text(name).encode()
        self._continue(records, texts)
        return texts

    def _continue(self, records: Records, texts: list[bytes]) -> None:
        """Name the later pieces of a flow as its first one."""
        pieces = np.flatnonzero((records["cause"] == STATUS) | bool(self._continued))
        ids, causes = records["flow_id"], records["cause"]
        for row in pieces.tolist():
            key = ids[row].tobytes()
            text = texts[row] or self._continued.get(key, b"")
            texts[row] = text
            if text and causes[row] == STATUS:
                self._continued[key] = text
                self._continued.move_to_end(key)
                if len(self._continued) > MOST_CONTINUED:
                    self._continued.popitem(last=False)
            else:
                self._continued.pop(key, None)

    def _written(self, batch: Batch, texts: list[bytes]) -> Batch:
        records = batch.records
        for row in np.flatnonzero(records["labels_length"]).tolist():
            texts[row] = replaced(batch.heap_value(row, "labels"), texts[row])
        lengths = np.array([len(text) for text in texts], np.int64)
        self.labelled += int(np.count_nonzero(lengths))
        records["labels_length"] = lengths
        records["labels_offset"] = np.where(lengths > 0, len(batch.heap) + np.cumsum(lengths) - lengths, 0)
        added: Any = np.frombuffer(b"".join(texts), np.uint8)
        return cast("Batch", batch.replace(heap=np.concatenate([batch.heap, added])))


def as_of(spans: Sequence[Span], time: int) -> str | None:
    """Return the name asked for last before a time that still holds then."""
    for first, until, name in reversed(spans):
        if first <= time <= until:
            return name
    return None


def _starts(records: Records) -> list[int]:
    """Return when each flow began, ns: a direction without packets has no time."""
    first, second = records["src_first"], records["dst_first"]
    earliest = np.minimum(np.where(first > 0, first, second), np.where(second > 0, second, first))
    return list(earliest.tolist())
