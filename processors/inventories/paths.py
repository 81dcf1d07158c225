"""Paths: routers that said of a flow that its time was exceeded, in the order of hops, with round trip times."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from topics.address_columns import ip_column
from topics.expression import col
from topics.expression.polars import polars
from topics.fields.columns import ICMP, ICMPV6, end, start
from topics.flags import IcmpError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY = ("probe", "source", "target")
HOP = (*KEY, "hop", "router")
ERRORS = {ICMP: (3, 11), ICMPV6: (1, 3)}  # unreachable and time exceeded, by type
PATIENCE = 60_000_000_000  # ns between a packet and the error about it, at most
ADDRESS, IPV4_START = 16, 12
NAMED = "name"


class PathKeys(NamedTuple):
    """How many bits of addresses tell paths apart; each probe has its own."""

    source_bits: int = 128
    target_bits: int = 128


def _exceeded() -> pl.Expr:
    return (pl.col("icmp_error") & int(IcmpError.TIME_EXCEEDED)) > 0


def _said() -> pl.Expr:
    """Tell which records are of errors themselves: they say when the errors came."""
    protocol, kind = pl.col("protocol"), pl.col("src_port") // 256
    return pl.any_horizontal((protocol == number) & kind.is_in(list(kinds)) for number, kinds in ERRORS.items())


def is_wanted() -> pl.Expr:
    """Tell which records `paths` looks at."""
    return _exceeded() | _said()


def columns() -> set[str]:
    """Return the columns of records that `paths` takes."""
    times = {f"{side}_{name}" for side in ("src", "dst") for name in ("first", "last", "address", "packets")}
    return times | {
        *is_wanted().meta.root_names(),
        "probe",
        "src_ttl",
        "icmp_error_router",
        "icmp_error_time",
        "labels",
    }


def paths(frames: Iterable[pl.DataFrame], keys: PathKeys) -> pl.DataFrame:
    """Return a row for each router of each path, by KEY, `hop` and time.

    Columns: KEY, `hop` (TTL of the packets), `router`, `as` (its AS by label, null for none), `mean`, `deviation`,
    `max`, `min` (seconds, null where no time was measured) and `count` (of records). The time from packet to error is
    what the probe measured; without that, how long a record of one packet lasted, where errors prolong records as in
    Argus; else it is taken of the first and of the last error of a router to a host that a record tells of.
    """
    found, errors = [], []
    for frame in frames:
        found.append(frame.filter(_exceeded()).select(_node()))
        errors.append(frame.filter(_said()).select(_error()))
    nodes = pl.concat(found).sort("start").with_row_index("node")
    ways = [_timed(nodes), _lasted(nodes), _answered(nodes, pl.concat(errors))]
    timed = pl.concat(ways).unique("node", keep="first", maintain_order=True)
    known = nodes.join(timed, on="node", how="left", maintain_order="left")
    return _shortened(known, keys).group_by(HOP, maintain_order=True).agg(_figures()).sort(*HOP[:4], "seen")


def _node() -> list[pl.Expr]:
    lasted = polars(end() - start())
    return [
        pl.col("probe").cast(pl.String),
        pl.col("src_address").alias("source"),
        pl.col("dst_address").alias("target"),
        pl.col("src_ttl").cast(pl.Int64).alias("hop"),
        pl.col("icmp_error_router").alias("router"),
        pl.col("icmp_error_time").cast(pl.Int64).alias("error_time"),
        polars(col("labels").label("ias")).alias("as"),
        polars(start()).alias("start"),
        pl.when(pl.col("src_packets") + pl.col("dst_packets") == 1).then(lasted).alias("lasted"),
    ]


def _error() -> list[pl.Expr]:
    return [
        pl.col("src_address").alias("router"),
        pl.col("dst_address").alias("source"),
        polars(start()).alias("start"),
        polars(end()).alias("end"),
    ]


def _timed(nodes: pl.DataFrame) -> pl.DataFrame:
    return nodes.filter(pl.col("error_time") > 0).select("node", pl.col("error_time").alias("time"))


def _lasted(nodes: pl.DataFrame) -> pl.DataFrame:
    return nodes.filter(pl.col("lasted") > 0).select("node", pl.col("lasted").alias("time"))


def _answered(nodes: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Return the time from the latest packet before an error to it, for the first and the last error of a record."""
    moments = pl.concat([errors.select("router", "source", pl.col(name).alias("error")) for name in ("start", "end")])
    met = (
        moments.unique()
        .sort("error")
        .join_asof(
            nodes.select("node", "router", "source", "start"),
            left_on="error",
            right_on="start",
            by=["router", "source"],
            strategy="backward",
            tolerance=PATIENCE,
            check_sortedness=False,
        )
    )
    return met.drop_nulls("node").select("node", (pl.col("error") - pl.col("start")).alias("time"))


def _figures() -> list[pl.Expr]:
    time = pl.col("time") / 1e9
    return [
        pl.col("as").drop_nulls().first(),
        time.mean().alias("mean"),
        time.std(ddof=0).alias("deviation"),
        time.max().alias("max"),
        time.min().alias("min"),
        pl.len().cast(pl.Int64).alias("count"),
        pl.col("start").min().alias("seen"),
    ]


def _shortened(nodes: pl.DataFrame, keys: PathKeys) -> pl.DataFrame:
    return nodes.with_columns(_cut(nodes["source"], keys.source_bits), _cut(nodes["target"], keys.target_bits))


def _cut(addresses: pl.Series, bits: int) -> pl.Series:
    """Return addresses of which only the first bits are left, of IPv4 counted from where these begin."""
    if bits >= 8 * ADDRESS:
        return addresses
    octets = np.frombuffer(b"".join(addresses.to_list()), np.uint8).reshape(-1, ADDRESS)
    mapped = (octets[:, :10] == 0).all(axis=1) & (octets[:, 10:IPV4_START] == 0xFF).all(axis=1)
    kept = np.where(mapped, np.minimum(8 * ADDRESS, bits + 8 * IPV4_START), bits)
    mask = np.packbits(np.arange(8 * ADDRESS) < kept[:, None], axis=1)
    return pl.Series(addresses.name, [row.tobytes() for row in octets & mask], pl.Binary)


def letters(number: int) -> str:
    """Return A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    text = ""
    while number >= 0:
        text = chr(ord("A") + number % 26) + text
        number = number // 26 - 1
    return text


def named(found: pl.DataFrame) -> pl.DataFrame:
    """Return paths with the column `name`: a letter for each of the nodes of a path."""
    places = found.select(pl.int_range(pl.len()).over(KEY)).to_series().to_list()
    return found.with_columns(pl.Series(NAMED, [letters(place) for place in places], pl.String))


class Node(NamedTuple):
    """One router on a path: what stands for it, its AS as text (empty for none), and its hop."""

    text: str
    system: str
    hop: int


def nodes_of(path: pl.DataFrame, *, addresses: bool) -> list[Node]:
    """Return the nodes of one path in the order of hops, by letter or by address."""
    texts = path.select(ip_column(pl.col("router")) if addresses else pl.col(NAMED)).to_series()
    return [
        Node(text, str(system or ""), hop) for text, system, hop in zip(texts, path["as"], path["hop"], strict=True)
    ]


def drawn(nodes: list[Node], mode: str, *, distances: bool = False) -> str:
    """Return a path as one line, as Argus's rapath draws it.

    Nodes of one hop stand in braces. `node`: those of one AS in brackets; `asnode`: its number before these; `aspath`:
    its number in their place, with `distances` its hops.
    """
    return " -> ".join(_part(system, part, mode, distances=distances) for system, part in _by_system(nodes))


def _by_system(nodes: list[Node]) -> Iterator[tuple[str, list[Node]]]:
    part: list[Node] = []
    for node in nodes:
        if part and node.system != part[-1].system:
            yield part[-1].system, part
            part = []
        part.append(node)
    if part:
        yield part[-1].system, part


def _part(system: str, part: list[Node], mode: str, *, distances: bool) -> str:
    if mode != "aspath":
        inside = _hops(part)
        brackets = f"[{inside}]" if system else inside
        return f"AS{system}:{brackets}" if system and mode == "asnode" else brackets
    if not system:
        return " -> ".join(_hop(same, distances=distances) for same in _by_hop(part))
    first, last = part[0].hop, part[-1].hop
    span = f"{first}" if first == last else f"{first}-{last}"
    return f"AS{system}:{span}" if distances else f"AS{system}"


def _hops(part: list[Node]) -> str:
    return " -> ".join(_hop(same) for same in _by_hop(part))


def _hop(same: list[Node], *, distances: bool = False) -> str:
    text = same[0].text if len(same) == 1 else "{" + ",".join(node.text for node in same) + "}"
    return f"{text}:{same[0].hop}" if distances else text


def _by_hop(part: list[Node]) -> list[list[Node]]:
    hops: dict[int, list[Node]] = {}
    for node in part:
        hops.setdefault(node.hop, []).append(node)
    return list(hops.values())
