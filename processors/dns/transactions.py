"""Payloads of the control plane in, DNS transactions out."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from processors.dns.matching_kernel import match
from processors.dns.messages import NO_KIND, Column, Messages, Parser, joined, picked, protocols
from processors.dns.streams import StreamMessages
from topics.control import ControlFlags
from topics.dns import DNS_DTYPE, DnsBatch, State

if TYPE_CHECKING:
    from topics.control import ControlBatch

SECOND = 1_000_000_000
TCP = 6
FOREVER = 2**62
MOST_TRUNCATED = 65_536


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """How long a query waits for its answer (ns), how many may wait, and how soon TCP follows a truncated answer."""

    timeout: int = 20 * SECOND
    most_open: int = 65_536
    after_truncation: int = 10 * SECOND


@dataclass(slots=True)
class _Source:
    """What waits of one interface of one run of a probe."""

    head: DnsBatch
    waiting: Messages = field(default_factory=Messages)
    streams: StreamMessages = field(default_factory=StreamMessages)
    clock: int = 0
    truncated: OrderedDict[bytes, int] = field(default_factory=OrderedDict)


class DnsTransactions:
    """Pairs queries with answers, each source (site, probe, interface, run) apart, by the time of its packets.

    A query that is sent again is the same transaction; one without an answer is given when the timeout has passed or
    too many wait. An answer that nobody asked for is a transaction as well, and so is each message of multicast DNS.
    """

    def __init__(self, settings: DnsSettings = DnsSettings()) -> None:
        self.messages = 0
        self._settings, self._parser = settings, Parser()
        self._sources: dict[tuple[str, str, str, int, int], _Source] = {}

    def process(self, batch: ControlBatch) -> DnsBatch:
        """Take payloads in the order of capture; return the transactions that they end."""
        head = DnsBatch(
            site=batch.site,
            probe=batch.probe,
            interface=batch.interface,
            boot_id=batch.boot_id,
            partition=batch.partition,
        )
        key = (batch.site, batch.probe, batch.interface, batch.boot_id, batch.partition)
        source = self._sources.setdefault(key, _Source(head))
        if len(batch):
            source.clock = max(source.clock, int(batch.records["time"].max()))
        kinds = protocols(batch.records, batch.kinds)
        records, heap = source.streams.take(batch.records[kinds != NO_KIND], batch.heap)
        records = records[((records["flags"] & ControlFlags.STREAM) == 0) | (records["payload_length"] > 0)]
        new = self._parser.parse(records, heap, protocols(records, batch.kinds))
        self.messages += len(new)
        return self._matched(source, new, self._settings.timeout, self._settings.most_open)

    def flush(self) -> list[DnsBatch]:
        """Return what still waits; nothing follows."""
        sources = list(self._sources.values())
        self._sources.clear()
        return [self._matched(source, Messages(), -1, -1) for source in sources if len(source.waiting)]

    def counts(self) -> dict[str, int]:
        """Return how many messages were parsed, how many queries wait, and what of streams was lost."""
        counts = {"messages": self.messages, "waiting": sum(len(each.waiting) for each in self._sources.values())}
        for source in self._sources.values():
            for name, count in source.streams.counts.items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def _matched(self, source: _Source, new: Messages, timeout: int, spare: int) -> DnsBatch:
        messages = joined(source.waiting, new)
        if not len(messages):
            return source.head
        place, made = _paired(messages, source.clock, timeout, spare)
        source.waiting = picked(messages, np.flatnonzero(place <= -2))
        of = place[messages.resources["transaction"]]
        order = np.argsort(of, kind="stable")[int((of < 0).sum()) :]
        resources = messages.resources[order].copy()
        resources["transaction"] = of[order]
        resources["data_offset"] += np.uint32(len(messages.text))
        self._note_truncation(source, made, messages.text.tobytes())
        return source.head.replace(
            transactions=made,
            resources=resources,
            heap=messages.text,
            resource_heap=np.concatenate([messages.text, messages.data]),
        )

    def _note_truncation(self, source: _Source, made: Column, text: bytes) -> None:
        """Mark what was asked again over TCP, since the answer before had no room."""
        truncated = (made["state"] & int(State.TRUNCATED)) != 0
        for row in np.flatnonzero(truncated | ((made["protocol"] == TCP) & bool(source.truncated))).tolist():
            one = made[row]
            name = text[one["name_offset"] : one["name_offset"] + one["name_length"]].lower()
            key = one["client"].tobytes() + one["server"].tobytes() + one["record_type"].tobytes() + name
            if truncated[row]:
                source.truncated[key] = int(one["answered"])
                if len(source.truncated) > MOST_TRUNCATED:
                    source.truncated.popitem(last=False)
            elif one["time"] - source.truncated.get(key, -FOREVER) <= self._settings.after_truncation:
                made["state"][row] |= int(State.AFTER_TRUNCATION)


def _paired(messages: Messages, clock: int, timeout: int, spare: int) -> tuple[Column, Column]:
    """Return for each message where its transaction is, as `match` does, and the transactions."""
    count = len(messages)
    slots = np.full(1 << (2 * count + 1).bit_length(), -1, np.int64)
    place, state = np.zeros(count, np.int64), np.zeros((count, 5), np.int64)
    out = np.zeros(count, DNS_DTYPE)
    rows = messages.rows
    patience = FOREVER if timeout < 0 else timeout
    made = match(rows, messages.keys, messages.soas, clock, patience, spare, slots, place, state, out)
    return place, out[:made]
