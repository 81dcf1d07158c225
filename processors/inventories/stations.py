"""Which station has which address, by ARP and neighbour discovery, and what changed: as arpwatch tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from topics.address_text import IPV4_MAPPED
from topics.fields.columns import ARP_TYPE, ICMPV6, IPV6_TYPE
from topics.flags import FlowFlags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SIDES = ("src", "dst")
ASKED, TOLD = 135, 136  # neighbour solicitation and advertisement (RFC 4861)
ON_LINK = 255  # hop limit of what no router has passed on
NO_MAC = bytes(6)
NOBODY = (bytes(16), bytes(10) + b"\xff\xff" + bytes(4))
CLAIM = ("address", "mac", "first", "last", "records")
MOST_MACS = 16  # of one address that are remembered
MOST_ALSO = 8  # other addresses that are told
SOME = 1 << 16  # claims that may wait to be put together
NEW, CHANGED, FLIP_FLOP, REUSED = "new station", "changed", "flip-flop", "reused"


class Change(NamedTuple):
    """Something that happened to an address; times in ns, `was` and `until` of the MAC before, empty and 0 for none.

    `also` are other addresses, of the same family, that the MAC has then: a router has several, and so has a deceiver.
    """

    time: int
    event: str
    address: bytes
    mac: bytes
    was: bytes
    until: int
    also: tuple[bytes, ...]


def is_claim() -> pl.Expr:
    """Tell which records say who has an address: ARP, and neighbour discovery that has passed no router."""
    neighbour = (pl.col("protocol") == ICMPV6) & (pl.col("src_port") // 256).is_in([ASKED, TOLD])
    on_link = pl.max_horizontal("src_ttl", "dst_ttl") == ON_LINK
    return (pl.col("ethertype") == ARP_TYPE) | ((pl.col("ethertype") == IPV6_TYPE) & neighbour & on_link)


def _is_answered() -> pl.Expr:
    """Tell where the MAC of the destination is that of who answered: not where it was asked for by a broadcast."""
    is_group = pl.col("dst_mac").bin.encode("hex").str.slice(1, 1).is_in(list("13579bdf"))
    return ~is_group & (pl.col("flow_flags") & int(FlowFlags.MULTIPLE_MACS) == 0)


def columns() -> set[str]:
    """Return the columns of records that `claims` takes."""
    sides = {f"{side}_{name}" for side in SIDES for name in ("address", "mac", "first", "last", "packets")}
    return sides | {name for value in (is_claim(), _is_answered()) for name in value.meta.root_names()}


def claims(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the columns CLAIM by time: of what an address claimed in a row, with one MAC, the first and last time."""
    found = pl.DataFrame()
    for frame in frames:
        said_by = {"src": is_claim(), "dst": is_claim() & _is_answered()}
        sides = [
            frame.filter(condition, pl.col(f"{side}_packets") > 0).select(_claim(side))
            for side, condition in said_by.items()
        ]
        said = pl.concat(sides).filter(pl.col("mac") != NO_MAC, ~pl.col("address").is_in(NOBODY))
        found = pl.concat([found, said]) if found.width else said
        if found.height > SOME:
            found = _runs(found)
    return _runs(found).sort("first", "address", "mac")


def _claim(side: str) -> list[pl.Expr]:
    times = [pl.col(f"{side}_{name}").cast(pl.Int64).alias(name) for name in ("first", "last")]
    named = [pl.col(f"{side}_{name}").alias(name) for name in ("address", "mac")]
    return [*named, *times, pl.lit(1, pl.Int64).alias("records")]


def _runs(found: pl.DataFrame) -> pl.DataFrame:
    """Put together what follows upon another claim of the same address and MAC."""
    ordered = found.sort("address", "first", "mac")
    run = pl.struct("address", "mac").rle_id().alias("run")
    ends = (pl.col("address", "mac").first(), pl.col("first").min(), pl.col("last").max(), pl.col("records").sum())
    return ordered.group_by(run, maintain_order=True).agg(*ends).select(CLAIM)


class Stations:
    """The MACs of each address, the latest last: of `known` (address, mac, last time in ns), and of what comes."""

    def __init__(self, known: Iterable[tuple[bytes, bytes, int]] = ()) -> None:
        self._macs: dict[bytes, dict[bytes, int]] = {}
        self._addresses: dict[bytes, dict[bytes, None]] = {}
        for address, mac, time in sorted(known, key=lambda each: each[2]):
            self._saw(address, mac, time)

    def take(self, found: pl.DataFrame) -> Iterator[Change]:
        """Learn claims by time, and yield what changes with them."""
        for address, mac, first, last, _ in found.select(CLAIM).iter_rows():
            macs = self._macs.get(address)
            if macs is None:
                yield Change(first, NEW, address, mac, b"", 0, self._others(mac, address))
                self._saw(address, mac, last)
                continue
            *older, latest = macs
            if latest != mac:
                event, also = _event(mac, older), self._others(mac, address)
                yield Change(first, event, address, mac, latest, macs[latest], also)
            self._saw(address, mac, max(last, macs.get(mac, 0)))

    def known(self) -> Iterator[tuple[bytes, bytes, int]]:
        """Yield address, MAC and the last time (ns) of all that is remembered, by address and time."""
        for address in sorted(self._macs):
            for mac, time in self._macs[address].items():
                yield address, mac, time

    def _others(self, mac: bytes, address: bytes) -> tuple[bytes, ...]:
        held = self._addresses.get(mac)
        if not held:
            return ()
        family = address.startswith(IPV4_MAPPED)
        return tuple(each for each in held if each != address and each.startswith(IPV4_MAPPED) == family)[:MOST_ALSO]

    def _saw(self, address: bytes, mac: bytes, time: int) -> None:
        macs = self._macs.setdefault(address, {})
        if macs and next(reversed(macs)) != mac:
            self._addresses[next(reversed(macs))].pop(address, None)
        self._addresses.setdefault(mac, {})[address] = None
        macs.pop(mac, None)
        macs[mac] = time
        if len(macs) > MOST_MACS:
            del macs[next(iter(macs))]


def _event(mac: bytes, older: list[bytes]) -> str:
    if mac not in older:
        return CHANGED
    return FLIP_FLOP if older[-1] == mac else REUSED
