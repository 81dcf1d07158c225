"""Names out of DNS transactions: what a client asked for, and the addresses it was led to."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from processors.names.spans import SECOND, Spans
from topics.address_text import IPV4_MAPPED
from topics.dns import KINDS, State, heap_values
from topics.dns.text import name_text
from topics.names import EVERYBODY, AddressName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.dns import DnsBatch

A, CNAME, PTR, AAAA, NB, NBSTAT = 1, 5, 12, 28, 32, 33
LONGEST_TTL = 7 * 86_400
STATUS_SECONDS = 900
LONGEST_CHAIN = 16
MOST = 1_000_000
GROUP = 0x80
SOURCES = frozenset({"dns", "ptr", "mdns", "llmnr"})


class _Answer(NamedTuple):
    """The answers of one transaction by owner: type, TTL and data of each."""

    client: bytes
    server: bytes
    time: int
    kind: str
    name: str
    flow: bytes
    records: dict[str, list[tuple[int, int, bytes]]]


class DnsNames:
    """Turns transactions into names of addresses, told again as they are renewed.

    A name holds for the least TTL on the way to the address, and for `grace` (ns) more: programs keep addresses a
    little longer. Only addresses on the chain of CNAME that begins with the name asked for count. `most` are known
    at a time.
    """

    def __init__(self, grace: int = 60 * SECOND, most: int = MOST) -> None:
        self._grace = grace
        self.spans = Spans(most)

    def process(self, batch: DnsBatch) -> list[AddressName]:
        """Return the names that transactions tell of."""
        return [
            name._replace(site=batch.site, probe=batch.probe, flow_id=answer.flow)
            for answer in _answers(batch)
            for name in self._names(answer)
        ]

    def recall(self, name: AddressName) -> None:
        """Know a name again that was told before."""
        if name.source == "netbios":
            self.spans.recall((name.address, name.name, name.mac, name.source), name.first, name.until)
        elif name.source in SOURCES:
            self.spans.recall((name.client, name.address, name.name, name.source), name.first, name.until)

    def _names(self, answer: _Answer) -> Iterator[AddressName]:
        if answer.kind == "netbios":
            yield from self._netbios(answer)
            return
        if answer.kind == "mdns":
            for owner, records in answer.records.items():
                yield from self._addresses(answer, owner, records, (), LONGEST_TTL, EVERYBODY)
            return
        owner, ttl = answer.name, LONGEST_TTL
        chain: list[str] = []
        while found := answer.records.get(owner):
            client = answer.client if answer.kind == "dns" else EVERYBODY
            yield from self._addresses(answer, answer.name, found, tuple(chain), ttl, client)
            alias = next(((least, data) for kind, least, data in found if kind == CNAME), None)
            if alias is None or len(chain) >= LONGEST_CHAIN:
                return
            ttl, owner = min(ttl, alias[0]), _target(alias[1])
            chain.append(owner)

    def _addresses(
        self,
        answer: _Answer,
        name: str,
        records: list[tuple[int, int, bytes]],
        chain: tuple[str, ...],
        ttl: int,
        client: bytes,
    ) -> Iterator[AddressName]:
        for kind, own, data in records:
            if kind in (A, AAAA) and len(data) == (4 if kind == A else 16):
                address, source = (IPV4_MAPPED + data if kind == A else data), answer.kind
            elif kind == PTR and (reverse := _reverse(answer.name)):
                address, source, name, client = reverse, "ptr", _target(data), EVERYBODY
            else:
                continue
            until = answer.time + min(ttl, own) * SECOND + self._grace
            span = self.spans.say((client, address, name, source), answer.time, until)
            if span is not None:
                yield AddressName(
                    address, name, source, span.first, answer.time, span.until, client, chain=chain, event=span.event
                )

    def _netbios(self, answer: _Answer) -> Iterator[AddressName]:
        for owner, records in answer.records.items():
            for kind, ttl, data in records:
                if kind == NB and ttl:
                    for at in range(0, len(data) - 5, 6):  # flags, then an address (RFC 1002 4.2.13)
                        if not data[at] & GROUP:
                            yield from self._station(answer, IPV4_MAPPED + data[at + 2 : at + 6], owner, b"", ttl)
                elif kind == NBSTAT and data:
                    names = [data[at : at + 18] for at in range(1, 1 + 18 * data[0], 18)]
                    mac = data[1 + 18 * data[0] :][:6]
                    for name in names:
                        if len(name) == 18 and len(mac) == 6 and not name[16] & GROUP and name[15] == 0:
                            text = name[:15].rstrip(b" \0").decode("ascii", "replace")
                            yield from self._station(answer, answer.server, text, mac, STATUS_SECONDS)

    def _station(self, answer: _Answer, address: bytes, name: str, mac: bytes, ttl: int) -> Iterator[AddressName]:
        name = name.partition("<")[0]
        until = answer.time + min(ttl, LONGEST_TTL) * SECOND + self._grace
        span = self.spans.say((address, name, mac, "netbios"), answer.time, until)
        if span is not None and name:
            yield AddressName(address, name, "netbios", span.first, answer.time, span.until, mac=mac, event=span.event)


def _answers(batch: DnsBatch) -> Iterator[_Answer]:
    """Yield the transactions with answers that tell of addresses, in order."""
    rows, resources = batch.transactions, batch.resources
    good = ((rows["state"] & int(State.ANSWER)) != 0) & (rows["rcode"] == 0)
    telling = np.isin(resources["record_type"], (A, AAAA, PTR, NB, NBSTAT, CNAME))
    wanted = (resources["section"] > 0) & telling & good[resources["transaction"]]
    multicast = rows["kind"] == KINDS.index("mdns")  # says what belongs together in other sections too
    wanted &= (resources["section"] == 1) | multicast[resources["transaction"]]
    chosen = resources[wanted]
    if not len(chosen):
        return
    names, data = (heap_values(chosen, batch.resource_heap, field) for field in ("name", "data"))
    owners = [name.decode().lower() for name in names]
    facts = zip(
        chosen["transaction"].tolist(),
        owners,
        chosen["record_type"].tolist(),
        chosen["ttl"].tolist(),
        data,
        strict=True,
    )
    records: dict[int, dict[str, list[tuple[int, int, bytes]]]] = defaultdict(dict)
    for transaction, owner, kind, ttl, value in facts:
        records[transaction].setdefault(owner, []).append((kind, min(ttl, LONGEST_TTL), value))
    places = np.array(list(records), np.int64)
    some = rows[places]
    asked = [name.decode().lower() for name in heap_values(some, batch.heap, "name")]
    clients, servers, flows = some["client"].tobytes(), some["server"].tobytes(), some["flow_id"].tobytes()
    kinds, times = some["kind"].tolist(), some["answered"].tolist()
    for index, place in enumerate(places.tolist()):
        at = slice(16 * index, 16 * index + 16)
        kind, flow = KINDS[kinds[index]], flows[at] if any(flows[at]) else b""
        yield _Answer(clients[at], servers[at], times[index], kind, asked[index], flow, records[place])


@lru_cache(65_536)
def _target(data: bytes) -> str:
    try:
        return name_text(data).lower()
    except (IndexError, ValueError):
        return ""


def _reverse(name: str) -> bytes | None:
    """Return the address that a name below in-addr.arpa or ip6.arpa stands for."""
    try:
        if name.endswith(".in-addr.arpa"):
            return IPV4_MAPPED + ip_address(".".join(reversed(name[:-13].split(".")))).packed
        if name.endswith(".ip6.arpa"):
            packed = bytes.fromhex("".join(reversed(name[:-9].split("."))))
            return packed if len(packed) == 16 else None
    except ValueError:
        pass
    return None
