"""Messages of DNS as rows: parsed from payloads, joined, and picked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.dns.message_kernel import parse_messages, text_room
from topics.dns import DNS_DTYPE, KINDS, RESOURCE_DTYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from topics.batch import Heap, Records

Column = np.ndarray[Any, Any]

PORTS = {53: "dns", 5353: "mdns", 5355: "llmnr", 137: "netbios"}
TCP, UDP = 6, 17
NO_KIND = 255
SHORTEST_QUESTION = 5
ROW_TEXTS, RESOURCE_TEXTS = ("name", "client_subnet", "cookie"), ("name",)


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages in order: `rows` (DNS_DTYPE), hashes and counts as parse_messages gives them, resource records.

    `text` holds what `rows` and the names of `resources` refer to, `data` the data of `resources`, whose `transaction`
    is the index of the message, never falling.
    """

    rows: Records = field(default_factory=lambda: np.zeros(0, DNS_DTYPE))
    keys: Column = field(default_factory=lambda: np.zeros((0, 2), np.uint64))
    soas: Column = field(default_factory=lambda: np.zeros(0, np.int64))
    resources: Records = field(default_factory=lambda: np.zeros(0, RESOURCE_DTYPE))
    text: Heap = field(default_factory=lambda: np.zeros(0, np.uint8))
    data: Heap = field(default_factory=lambda: np.zeros(0, np.uint8))

    def __len__(self) -> int:
        return len(self.rows)


class Parser:
    """Parses payloads; keeps the memory that it needs for that."""

    def __init__(self) -> None:
        self._text, self._data = np.empty(0, np.uint8), np.empty(0, np.uint8)
        self._scratch = np.zeros(256, np.uint8)

    def parse(self, records: Records, heap: Heap, kinds: Column) -> Messages:
        """Return the messages of payloads (CONTROL_DTYPE), whose protocols `kinds` (uint8) names by index of KINDS."""
        count, octets = len(records), int(records["payload_length"].sum(dtype=np.int64))
        if not count:
            return Messages()
        room = text_room(octets, count)
        if len(self._text) < room:
            self._text, self._data = np.empty(room, np.uint8), np.empty(room, np.uint8)
        rows, keys = np.zeros(count, DNS_DTYPE), np.zeros((count, 2), np.uint64)
        soas, resources = np.zeros(count, np.int64), np.empty(octets // SHORTEST_QUESTION + 1, RESOURCE_DTYPE)
        found, used, filled = parse_messages(
            np.ascontiguousarray(records),
            heap,
            kinds,
            rows,
            keys,
            soas,
            resources,
            self._text,
            self._data,
            self._scratch,
        )
        return Messages(rows, keys, soas, resources[:found], self._text[:used].copy(), self._data[:filled].copy())


def protocols(records: Records, names: Sequence[str]) -> Column:
    """Return for each payload the index in KINDS of the protocol it is of, NO_KIND for those of others.

    Ports tell; `names` are the kinds of the batch, of which `dns` holds whatever the port.
    """
    found = np.full(len(records), NO_KIND, np.uint8)
    if "dns" in names:
        found[records["kind"] == names.index("dns")] = 0
    for port, name in PORTS.items():
        found[(records["src_port"] == port) | (records["dst_port"] == port)] = KINDS.index(name)
    found[(records["protocol"] != UDP) & (records["protocol"] != TCP)] = NO_KIND
    return found


def joined(first: Messages, second: Messages) -> Messages:
    """Return the messages of both, one after the other."""
    if not len(first) or not len(second):
        return second if len(second) else first
    rows, resources = np.concatenate([first.rows, second.rows]), np.concatenate([first.resources, second.resources])
    later, after = rows[len(first) :], resources[len(first.resources) :]
    for records, names in ((later, ROW_TEXTS), (after, RESOURCE_TEXTS)):
        for name in names:
            records[f"{name}_offset"] += np.uint32(len(first.text))
    after["data_offset"] += np.uint32(len(first.data))
    after["transaction"] += np.uint32(len(first))
    return Messages(
        rows,
        np.concatenate([first.keys, second.keys]),
        np.concatenate([first.soas, second.soas]),
        resources,
        np.concatenate([first.text, second.text]),
        np.concatenate([first.data, second.data]),
    )


def picked(messages: Messages, wanted: Column) -> Messages:
    """Return the messages at the places `wanted` (rising), with no more bytes than they need."""
    if not len(wanted):
        return Messages()
    places = np.full(len(messages), -1, np.int64)
    places[wanted] = np.arange(len(wanted))
    of = places[messages.resources["transaction"]]
    rows, resources = messages.rows[wanted].copy(), messages.resources[of >= 0].copy()
    resources["transaction"] = of[of >= 0]
    text = _moved(messages.text, [(rows, ROW_TEXTS), (resources, RESOURCE_TEXTS)])
    data = _moved(messages.data, [(resources, ("data",))])
    return Messages(rows, messages.keys[wanted], messages.soas[wanted], resources, text, data)


def _moved(heap: Heap, owners: Sequence[tuple[Records, Sequence[str]]]) -> Heap:
    """Return the bytes that the fields of some records refer to, one after the other, and let them refer to those."""
    parts, used = [], 0
    for records, names in owners:
        for name in names:
            lengths, starts = (records[f"{name}_{part}"].astype(np.int64) for part in ("length", "offset"))
            ends = np.cumsum(lengths)
            total = int(ends[-1]) if len(ends) else 0
            parts.append(heap[np.arange(total) + np.repeat(starts - ends + lengths, lengths)])
            records[f"{name}_offset"] = used + ends - lengths
            used += total
    return np.concatenate(parts)
