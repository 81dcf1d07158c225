"""Who held a socket when: from snapshots of sockets, in the order they were taken."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from topics.events import EventRecord

MOST = 500_000
MOST_HELD = 16  # holders that are remembered of one socket
ANY = bytes(16)
EXACT, LISTENING, MISSED = "exact", "listening", "unknown"

Ends = tuple[int, bytes, int, bytes, int]


class Owner(NamedTuple):
    """A process as events name it."""

    process: str
    pid: int
    user: str
    container: str
    pod: str


class Held(NamedTuple):
    """An owner (None: nobody knows) and since when until when it surely held a socket, ns."""

    owner: Owner | None
    first: int
    last: int


class SocketTable:
    """Sockets by their ends. `most` are kept; those seen longest ago are forgotten first, and counted in `evicted`.

    A holder counts from when it was seen first, less the time to the snapshot before, until the one after it was seen
    last. Whether an address is of the reporting host is known by the sockets that are bound or connected from it.
    """

    def __init__(self, most: int = MOST) -> None:
        self.evicted = 0
        self._most = most
        self._held: OrderedDict[Ends, list[Held]] = OrderedDict()
        self._snapshots: dict[tuple[str, str, str], int] = {}
        self._probes: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, event: EventRecord) -> None:
        """Learn a snapshot."""
        if event.kind != "lsof" or event.body is None:
            return
        source = event.site, event.probe, event.source
        before = self._snapshots.get(source, event.started) if not event.part else event.started
        self._snapshots[source] = event.started
        for row in event.body["sockets"]:
            self._add(row, event, before)

    def _add(self, row: dict[str, Any], event: EventRecord, before: int) -> None:
        if row["local"] != ANY:
            self._probes[row["local"]] = event.probe
        ends = row["protocol"], row["local"], row["local_port"], row["remote"], row["remote_port"]
        is_known = row["pid"] > 0
        owner = Owner(row["process"], row["pid"], row["user"], row["container"], row["pod"]) if is_known else None
        spans = self._held.setdefault(ends, [])
        self._held.move_to_end(ends)
        if spans and spans[-1].owner == owner and before <= spans[-1].last:
            spans[-1] = spans[-1]._replace(last=event.ended)
        elif owner is not None or row["state"] == "DESTROYED":
            spans.append(Held(owner, before, event.ended))
            del spans[:-MOST_HELD]
        if len(self._held) > self._most:
            self._held.popitem(last=False)
            self.evicted += 1

    def owner(self, ends: Ends, first: int, last: int) -> tuple[str, Owner | None] | None:
        """Return who held the local end of a connection between two times (ns), and how sure that is.

        None when the address is of no host that reports; `unknown` without owner when the host had the connection, or
        may have had it, but nobody saw whose it was.
        """
        protocol, local, port, _, _ = ends
        if local not in self._probes:
            return None
        if held := _as_of(self._held.get(ends, []), first, last):
            return (EXACT, held.owner) if held.owner else (MISSED, None)
        for address in (local, ANY):
            held = _as_of(self._held.get((protocol, address, port, ANY, 0), []), first, last)
            if held and held.owner:
                return LISTENING, held.owner
        return MISSED, None


def _as_of(spans: list[Held], first: int, last: int) -> Held | None:
    """Return the holder of a time; none when two held it, which cannot be told apart, or it was another time."""
    found = [held for held in spans if held.first <= last and first <= held.last]
    known = [held for held in found if held.owner]
    if len({held.owner for held in known}) > 1:
        return None
    return known[-1] if known else found[-1] if found else None
