"""Services told by how payload begins: signatures learnt from traffic, and traffic labelled by signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from processors.payload.signatures import Signature
from topics.distinct import every_row_alike, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from processors.payload.signatures import Pattern

LABEL = "srv"  # the key that Argus's raservices gives
PAYLOADS = ("src_payload", "dst_payload")
NEEDED = frozenset({"protocol", "src_port", "dst_port", "labels", *PAYLOADS})
ALIKE = 10 / 16  # of the bytes of two beginnings, for them to be one signature; Argus's threshold
MOST_DIFFERENT = 200_000  # beginnings that are told apart while learning
EVIDENCE = 3  # fixed bytes that are not zero, on a port that is not the signature's
OWN_PORT = 1000  # more than there are bytes in a signature
BLOCK = 1024

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class _Beginning(NamedTuple):
    name: str
    protocol: int
    port: int
    src: bytes
    dst: bytes


class Learner:
    """Gathers how flows of services begin; `signatures` says what those of each have in common.

    A service is the label `srv` of a record, else the name of its port in `names` (by protocol), else the port.
    Of more different beginnings than MOST_DIFFERENT, those that came once go first.
    """

    def __init__(self, width: int, names: dict[int, dict[int, str]]) -> None:
        self._width, self._names = width, names
        self._seen: pl.DataFrame | None = None
        self.records = 0

    def learn(self, frame: pl.DataFrame) -> None:
        """Take the records of a frame with the columns NEEDED."""
        starts = [pl.col(name).fill_null(b"").bin.slice(0, self._width) for name in PAYLOADS]
        told = pl.col("labels").str.extract(f"(?:^|:){LABEL}=([^:]*)").fill_null("")
        known = frame.filter(pl.col("protocol").is_in([6, 17])).select(
            "protocol", "dst_port", told.alias("srv"), *starts
        )
        known = known.filter((pl.col(PAYLOADS[0]).bin.size() > 0) | (pl.col(PAYLOADS[1]).bin.size() > 0))
        self.records += known.height
        keys = ["protocol", "dst_port", "srv", *PAYLOADS]
        counted = known.group_by(keys, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("count"))
        if self._seen is not None:
            both = pl.concat([self._seen, counted])
            counted = both.group_by(keys, maintain_order=True).agg(pl.col("count").sum())
        if counted.height > MOST_DIFFERENT:
            counted = counted.sort("count", descending=True, maintain_order=True).head(MOST_DIFFERENT // 2)
        self._seen = counted

    def signatures(self) -> list[Signature]:
        """Return what was learnt, by protocol and port, the most frequent of each first."""
        if self._seen is None:
            return []
        ordered = self._seen.sort("count", descending=True, maintain_order=True)
        groups = ordered.group_by("protocol", "dst_port", "srv", maintain_order=True)
        found = [one for key, group in groups for one in self._of_service(key, group)]
        return sorted(found, key=lambda one: (one.protocol, one.port, one.name, -one.count))

    def _of_service(self, key: tuple[Any, ...], group: pl.DataFrame) -> list[Signature]:
        protocol, port, told = key
        name = told or self._names.get(protocol, {}).get(port, str(port))
        clusters = list[_Cluster]()
        for src, dst, count in group.select(*PAYLOADS, "count").iter_rows():
            near = next((each for each in clusters if each.like(src, dst)), None)
            if near is None:
                clusters.append(_Cluster(src, dst, count))
            else:
                near.add(src, dst, count)
        return [Signature(name, protocol, port, one.count, _pattern(one.src), _pattern(one.dst)) for one in clusters]


class _Cluster:
    """Beginnings that are alike: None where they differ."""

    def __init__(self, src: bytes, dst: bytes, count: int) -> None:
        self.src: list[int | None] = list(src)
        self.dst: list[int | None] = list(dst)
        self.count = count

    def like(self, src: bytes, dst: bytes) -> bool:
        return _alike(self.src, src) and _alike(self.dst, dst)

    def add(self, src: bytes, dst: bytes, count: int) -> None:
        self.src, self.dst, self.count = _common(self.src, src), _common(self.dst, dst), self.count + count


def _alike(known: Sequence[int | None], data: bytes) -> bool:
    if not known or not data:
        return not known and not data
    same = sum(octet == other for octet, other in zip(known, data, strict=False))
    return same >= ALIKE * min(len(known), len(data)) and same >= min(EVIDENCE, len(known))


def _common(known: Sequence[int | None], data: bytes) -> list[int | None]:
    return [octet if octet == other else None for octet, other in zip(known, data, strict=False)]


def _pattern(octets: Sequence[int | None]) -> Pattern:
    fixed = [place for place, octet in enumerate(octets) if octet is not None]
    return tuple(octets[: fixed[-1] + 1]) if fixed else ()


class Services:
    """Tells the service of records by signatures.

    On the port of a signature it is enough that it is like the payload (ALIKE, as for Argus); elsewhere every fixed
    byte has to be there, and EVIDENCE of them that are not zero. The port counts first, then the number of bytes, then
    how many flows a signature was learnt from.
    """

    def __init__(self, signatures: Iterable[Signature]) -> None:
        self._known = [one for one in signatures if one.src or one.dst]
        self._width = max((max(len(one.src), len(one.dst)) for one in self._known), default=1)
        self._sides = [_Side([getattr(one, side) for one in self._known], self._width) for side in ("src", "dst")]
        self._protocols = np.array([one.protocol for one in self._known], np.int64)
        self._ports = np.array([one.port for one in self._known], np.int64)
        counts = np.array([one.count for one in self._known], np.float64)
        self._preference = counts / (counts.max(initial=0) + 1)  # below one: decides among as many bytes

    def named(self, frame: pl.DataFrame) -> pl.Series:
        """Return the service of each record of a frame with the columns NEEDED, null where no signature matches."""
        columns = ["protocol", "src_port", "dst_port", *PAYLOADS]
        starts = frame.select(*columns[:3], *(pl.col(p).fill_null(b"").bin.slice(0, self._width) for p in PAYLOADS))
        ports = [
            pl.when(pl.col(name).is_in(self._ports.tolist())).then(name).otherwise(0).alias(name)
            for name in columns[1:3]
        ]
        kinds = starts.with_columns(ports)
        if not kinds.height:
            return pl.Series("srv", [], pl.String)
        places, first = every_row_alike(kinds.get_columns())
        different = kinds[first]
        names = [name for block in different.iter_slices(BLOCK) for name in self._of(block)]
        return pl.Series("srv", names, pl.String).gather(places)

    def _of(self, block: pl.DataFrame) -> list[str | None]:
        if not self._known:
            return [None] * block.height
        same, fixed, weight = (np.zeros((block.height, len(self._known)), np.int64) for _ in range(3))
        for side, name in zip(self._sides, PAYLOADS, strict=True):
            equal, there = side.compared(block[name].to_list())
            same += equal
            fixed += side.fixed * there
            weight += side.weight * there
        ends = [block[name].to_numpy()[:, None] == self._ports for name in ("src_port", "dst_port")]
        own = ends[0] | ends[1]
        fits = np.where(own, (same >= ALIKE * fixed) & (weight > 0), (same == fixed) & (weight >= EVIDENCE))
        fits &= block["protocol"].to_numpy()[:, None] == self._protocols
        score = np.where(fits, own * OWN_PORT + same + self._preference, -1)
        best = score.argmax(axis=1)
        return [self._known[place].name if fits[row, place] else None for row, place in enumerate(best)]


class _Side:
    """The patterns of one side, as tables: which bytes are fixed, and what they are."""

    def __init__(self, patterns: Sequence[Pattern], width: int) -> None:
        self._want = np.zeros((len(patterns), width), np.uint8)
        self._is_fixed = np.zeros((len(patterns), width), np.bool_)
        for row, pattern in enumerate(patterns):
            for place, octet in enumerate(pattern):
                if octet is not None:
                    self._want[row, place], self._is_fixed[row, place] = octet, True
        self._width = width
        self.fixed = self._is_fixed.sum(axis=1)
        self.weight = (self._is_fixed & (self._want != 0)).sum(axis=1)

    def compared(self, payloads: Sequence[bytes]) -> tuple[Any, Mask]:
        """Return how many fixed bytes of each pattern each payload has, and where there was something to compare."""
        data = np.frombuffer(b"".join(each.ljust(self._width, b"\0") for each in payloads), np.uint8)
        table = data.reshape(len(payloads), self._width)
        sizes = np.array([len(each) for each in payloads])
        equal = np.zeros((len(payloads), len(self._want)), np.int64)
        for place in range(self._width):
            octets = np.where(sizes > place, table[:, place].astype(np.int64), -1)[
                :, None
            ]  # beyond the end nothing is equal
            equal += self._is_fixed[:, place] & (octets == self._want[:, place])
        there = (sizes > 0)[:, None] & (self.fixed > 0)
        return equal, there


def labelled(frame: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """Return a frame whose labels say the service, where there is one; what they said of it before is gone."""
    others = pl.col("labels").fill_null("").str.replace_all(f"(^|:){LABEL}=[^:]*", "").str.strip_prefix(":")
    label = pl.concat_str([pl.lit(f"{LABEL}="), pl.col("srv")])
    both = pl.when(others == "").then(label).otherwise(pl.concat_str([others, pl.lit(":"), label]))
    chosen = pl.when(pl.col("srv").is_null()).then(pl.col("labels")).otherwise(both).alias("labels")
    return frame.with_columns(spread(pl.DataFrame([frame["labels"], names.alias("srv")]), chosen))
