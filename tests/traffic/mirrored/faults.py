"""What goes wrong with mirror ports: rows with copies between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.traffic.mirrored.table import MICROSECOND, MILLISECOND, Rows, Truth

if TYPE_CHECKING:
    from collections.abc import Callable

Generator = np.random.Generator


def _copies(rows: Rows, lags: Any, **changed: Any) -> Rows:
    copies = rows.copy()
    copies["time"] += lags
    copies["truth"] = Truth.COPY
    for name, value in changed.items():
        copies[name] = value
    return copies


def _between(rows: Rows, random: Generator, least: int, most: int) -> Any:
    return random.integers(least, most + 1, len(rows))


def _with(rows: Rows, *copies: Rows) -> Rows:
    together = np.concatenate([rows, *copies])
    return together[np.argsort(together["time"], kind="stable")]


def both_directions(rows: Rows, random: Generator) -> Rows:
    """A port mirrored on the way in and out: 1 1 2 2 3 3, the same bytes."""
    return _with(rows, _copies(rows, _between(rows, random, MICROSECOND, 3 * MICROSECOND)))


def routed(rows: Rows, random: Generator) -> Rows:
    """Two VLANs mirrored with the router between them: other MACs and tag, TTL one less."""
    lags = _between(rows, random, 20 * MICROSECOND, 200 * MICROSECOND)
    return _with(rows, _copies(rows, lags, vlan=20, ttl=rows["ttl"] - 1, macs=rows["macs"] + 100))


def tagged(rows: Rows, random: Generator) -> Rows:
    """A trunk and an access port of one path: the tag alone differs."""
    return _with(rows, _copies(rows, _between(rows, random, MICROSECOND, MILLISECOND), vlan=0))


def in_bursts(rows: Rows, _random: Generator) -> Rows:
    """A port whose copies wait in a queue: 1 2 3 1 2 3 4 5 6 4 5 6, the same bytes 5 ms later."""
    return _with(rows, _copies(rows, 5 * MILLISECOND))


def one_direction(rows: Rows, random: Generator) -> Rows:
    """A switch that copies what comes in, but not what goes out."""
    way_in = rows[~rows["reverse"]]
    return _with(rows, _copies(way_in, _between(way_in, random, 10 * MICROSECOND, 40 * MICROSECOND)))


def triples(rows: Rows, random: Generator) -> Rows:
    """Three ports of one path: the same bytes, and the same behind the router."""
    near = _copies(rows, _between(rows, random, MICROSECOND, 3 * MICROSECOND))
    lags = _between(rows, random, 100 * MICROSECOND, 400 * MICROSECOND)
    return _with(rows, near, _copies(rows, lags, vlan=20, ttl=rows["ttl"] - 1, macs=rows["macs"] + 100))


def labelled(rows: Rows, random: Generator) -> Rows:
    """Both sides of a provider's edge: one of them under an MPLS label."""
    lags = _between(rows, random, 30 * MICROSECOND, 90 * MICROSECOND)
    return _with(rows, _copies(rows, lags, label=1 + rows["macs"], vlan=0))


def lossy(rows: Rows, random: Generator) -> Rows:
    """A busy mirror port: one copy in ten is lost."""
    copied = rows[random.random(len(rows)) > 0.1]
    return _with(rows, _copies(copied, _between(copied, random, 20 * MICROSECOND, 60 * MICROSECOND)))


FAULTS: dict[str, Callable[[Rows, Generator], Rows]] = {
    "both directions": both_directions,
    "routed": routed,
    "tagged": tagged,
    "in bursts": in_bursts,
    "one direction": one_direction,
    "triples": triples,
    "labelled": labelled,
    "lossy": lossy,
}
