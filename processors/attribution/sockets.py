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

LOOPBACK_IPV4, LOOPBACK_IPV6 = bytes(10) + b"\xff\xff\x7f", bytes(15) + b"\1"

Ends = tuple[int, bytes, int, bytes, int]
Reporter = tuple[str, str]  # site and probe
NOBODY = ("", "")


class Owner(NamedTuple):
    """A process as events name it."""

    process: str
    pid: int
    user: str
    container: str
    pod: str


class Held(NamedTuple):
    """An owner (None: nobody knows) and since when until when it held a socket, as far as anybody knows, ns."""

    owner: Owner | None
    first: int
    last: int


class SocketTable:
    """Sockets by reporting host and ends. `most` are kept, those seen longest ago forgotten, and counted in `evicted`.

    A holder counts from the snapshot before it was seen first until its connection was reported as over, else until
    the next snapshot would be due after it was seen last. Whether an address is of a reporting host is known by the
    sockets that are bound or connected from it.
    """

    def __init__(self, most: int = MOST) -> None:
        self.evicted = 0
        self._most = most
        self._held: OrderedDict[tuple[Reporter, Ends], list[Held]] = OrderedDict()
        self._snapshots: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._reporters: dict[bytes, set[Reporter]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, address: bytes) -> bool:
        return address in self._reporters

    def add(self, event: EventRecord) -> None:
        """Learn a snapshot."""
        if event.kind != "lsof" or event.body is None:
            return
        source = event.site, event.probe, event.source
        before, current = self._snapshots.get(source, (event.started, event.started))
        if not event.part:
            before, current = current, event.started
            self._snapshots[source] = before, current
        for row in event.body["sockets"]:
            self._add(row, event, before)

    def _add(self, row: dict[str, Any], event: EventRecord, before: int) -> None:
        reporter = event.site, event.probe
        if row["local"] != ANY:
            self._reporters.setdefault(row["local"], set()).add(reporter)
        ends = row["protocol"], row["local"], row["local_port"], row["remote"], row["remote_port"]
        is_known = row["pid"] > 0
        owner = Owner(row["process"], row["pid"], row["user"], row["container"], row["pod"]) if is_known else None
        key = reporter, ends
        spans = self._held.setdefault(key, [])
        self._held.move_to_end(key)
        is_over = row["state"] == "DESTROYED"
        last = event.ended if is_over else event.ended + max(0, event.started - before)
        if spans and spans[-1].owner == owner and before <= spans[-1].last:
            spans[-1] = spans[-1]._replace(last=last)
        elif owner is not None or is_over:
            spans.append(Held(owner, before, last))
            del spans[:-MOST_HELD]
        if len(self._held) > self._most:
            self._held.popitem(last=False)
            self.evicted += 1

    def owner(self, ends: Ends, first: int, last: int, observer: Reporter = NOBODY) -> tuple[str, Owner | None] | None:
        """Return who held the local end of a connection between two times (ns), and how sure that is.

        None when the address is of no host that reports; `unknown` without owner when the host had the connection, or
        may have had it, but nobody saw whose it was, nor who waited at its port. Several hosts may have the same
        address: the one that saw the flow, its `observer` (site and probe), knows best, and nobody else whose 127.0.0.1
        it was; of several others only the connection itself tells, not the port.
        """
        protocol, local, port, _, _ = ends
        reporters = self._reporters.get(local, set())
        if observer in reporters:
            reporters = {observer}
        elif _is_loopback(local) and observer != NOBODY:
            return None
        if not reporters:
            return None
        held = self._as_of(reporters, ends, first, last)
        if held and held.owner:
            return EXACT, held.owner
        for address in (local, ANY) if len(reporters) == 1 else ():
            held = self._as_of(reporters, (protocol, address, port, ANY, 0), first, last)
            if held and held.owner:
                return LISTENING, held.owner
        return MISSED, None

    def _as_of(self, reporters: set[Reporter], ends: Ends, first: int, last: int) -> Held | None:
        return _as_of([held for each in reporters for held in self._held.get((each, ends), ())], first, last)


def _is_loopback(address: bytes) -> bool:
    return address.startswith(LOOPBACK_IPV4) or address == LOOPBACK_IPV6


def _as_of(spans: list[Held], first: int, last: int) -> Held | None:
    """Return the holder of a time; none when two held it, which cannot be told apart, or it was another time."""
    found = [held for held in spans if held.first <= last and first <= held.last]
    known = [held for held in found if held.owner]
    if len({held.owner for held in known}) > 1:
        return None
    return known[-1] if known else found[-1] if found else None
