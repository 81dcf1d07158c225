"""What Aggregation does, as a group-by of Polars over a file that is only scanned: the columns asked for, no others.

It gives what the kernels give wherever that hangs on no more of the order of records than which came first and which
last. Conversations whose two ends were both taken for the source are found afterwards and left to the kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from processors.merge.grouped_rules import LARGEST, LEAST, OBSERVER, merged_column
from processors.merge.key_fields import KNOWN, LABEL_BITS, parse_keys
from processors.merge.numbered import ROW, numbered
from topics.flags import TunnelKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from processors.merge.key_fields import KeyFields
    from processors.merge.numbered import Frames

IPV4, IPV6, ARP, RARP, WLAN = 0x0800, 0x86DD, 0x0806, 0x8035, 0x0019
MIXED = 0  # ethertype of what was merged over IPv4 and IPv6
ICMP, ESP, ICMPV6 = 1, 50, 58
NETWORKS = (int(TunnelKind.VXLAN), int(TunnelKind.GENEVE))
KEY = "key:"
BYTES_ONLY = ("src_payload", "dst_payload", "src_histograms", "dst_histograms", "labels")  # merged by kernels alone
UNAGGREGATED = ("records", "duration_sum", "duration_square_sum", "duration_min", "duration_max")
PREFIXES = {f"{side}_address": f"{side}_prefix_length" for side in ("src", "dst")}
ADDRESS = 16
MOST_LEFT = 1 << 16  # conversations that are merged apart, with all of their columns


class Merged(NamedTuple):
    """Records merged, and which keys are left to the kernels: all records of those meet their own other direction."""

    records: pl.DataFrame
    left: pl.DataFrame
    keys: tuple[pl.Expr, ...]


def can_group(keys: Sequence[str], columns: Collection[str]) -> bool:
    """Tell whether records can be merged here by these keys, those of Aggregation, as far as the columns go."""
    if any(key not in KNOWN for key in keys):
        return False
    parsed = parse_keys(keys)
    return not (parsed.alone or parsed.matrix or set(columns) & set(BYTES_ONLY))


def merged_frame(
    records: pl.LazyFrame,
    keys: Sequence[str],
    columns: Collection[str],
    *,
    correct: bool,
    aggregates: bool = True,
    frames: Frames | None = None,
) -> pl.DataFrame | None:
    """Return what Aggregation makes of records, with these columns; None where it takes the kernels for most of it.

    The keys and columns are those that `can_group`; `correct` and `aggregates` are Aggregation's. `frames`, for many
    records, yields what is asked of each of them, some at a time.
    """
    merged = grouped(records, keys, columns, correct=correct, aggregates=aggregates, frames=frames)
    if not merged.left.height:
        return merged.records.drop(ROW)
    if merged.left.height > MOST_LEFT:
        return None
    others = _by_kernels(_left_over(records, merged).collect(engine="streaming"), aggregates=aggregates)
    added = others.select(pl.col(name).cast(kind) for name, kind in merged.records.schema.items())
    return pl.concat([merged.records, added]).sort(ROW).drop(ROW)


def _by_kernels(records: pl.DataFrame, *, aggregates: bool) -> pl.DataFrame:
    from processors.merge.aggregation import Aggregation
    from topics.frame import from_arrow, to_arrow

    aggregation = Aggregation(aggregates=aggregates, capacity=1 << 10)
    aggregation.add(from_arrow(records.to_arrow()))
    flows = pl.DataFrame(to_arrow(aggregation.finish()))
    return flows.with_columns(records[ROW].gather(aggregation.last_records).alias(ROW))


def grouped(
    records: pl.LazyFrame,
    keys: Sequence[str],
    columns: Collection[str],
    *,
    correct: bool,
    aggregates: bool = True,
    frames: Frames | None = None,
) -> Merged:
    """Merge the records of each key into one, with these columns, ordered by the last record of each, whose row is ROW.

    The keys are those that `can_group`; `correct` and `aggregates` are Aggregation's, `frames` those of merged_frame.
    """
    compared = _selected(parse_keys(keys)) if keys else _conversation()
    named = tuple(value.alias(f"{KEY}{place}") for place, value in enumerate(compared))
    wanted = [name for name in records.collect_schema() if name in columns]
    alike = {name: value for name, value in zip(_plain(compared), named, strict=True) if name}
    others = [name for name in wanted if name not in alike]
    known = None if frames is None else numbered(records, named, others, frames)
    frame = _grouped_by_polars(records, named, wanted, alike) if known is None else known
    frame = frame.with_columns(pl.col(value.meta.output_name()).alias(name) for name, value in alike.items())
    left = frame.clear()
    if correct and not keys:
        both = _meets_itself(frame)
        left, frame = frame.filter(both), frame.filter(~both)
    for name in set(PREFIXES) - set(alike):
        if LEAST + name in frame.columns:
            frame = _with_prefix(frame, name, PREFIXES[name])
    if not aggregates:
        frame = frame.with_columns(pl.lit(0).alias(name) for name in UNAGGREGATED if name in wanted)
    kinds = records.collect_schema()
    return Merged(
        frame.select(*(pl.col(name).cast(kinds[name]) for name in wanted), ROW),
        left.select(f"{KEY}{place}" for place in range(len(named))),
        named,
    )


def _grouped_by_polars(
    records: pl.LazyFrame, named: Sequence[pl.Expr], wanted: Sequence[str], alike: Collection[str]
) -> pl.DataFrame:
    parts = [part for name in _supported(wanted) if name not in alike for part in merged_column(name)]
    merged = records.with_row_index(ROW).group_by(named).agg(*parts, pl.col(ROW).max())
    return merged.collect(engine="streaming").sort(ROW)


def _left_over(records: pl.LazyFrame, merged: Merged) -> pl.LazyFrame:
    """Return the records of the keys that are left to the kernels, in their order, with their number as ROW."""
    numbered = records.with_row_index(ROW).with_columns(merged.keys)
    return numbered.join(merged.left.lazy(), on=merged.left.columns, how="semi").drop(merged.left.columns).sort(ROW)


def _supported(names: Collection[str]) -> list[str]:
    """Return columns together with those that their merged value is worked out from."""
    needed = dict.fromkeys(names)
    for address, length in PREFIXES.items():
        if address in needed or length in needed:
            needed |= dict.fromkeys((address, length, "ethertype"))
    return list(needed)


def _plain(compared: Sequence[pl.Expr]) -> list[str]:
    """Return the column that each part of a key is as it stands, empty for one that is worked out of columns."""
    return [value.meta.output_name() if value.meta.is_column() else "" for value in compared]


def _conversation() -> list[pl.Expr]:
    """Return the key that conversation.py makes."""
    protocol, ethertype = pl.col("protocol"), pl.col("ethertype")
    separator = (
        pl.when((protocol == ESP) | (ethertype == WLAN))
        .then(pl.col("discriminator").cast(pl.Int64))
        .when(pl.col("tunnel_kind").is_in(NETWORKS))
        .then(pl.col("tunnel_id").cast(pl.Int64) * 2 + 1)
        .otherwise(0)
    )
    return [
        *(pl.col(name) for name in ("src_address", "dst_address", "src_port", "dst_port")),
        protocol,
        ethertype,
        separator,
    ]


def _selected(key: KeyFields) -> list[pl.Expr]:
    """Return the key that selection.py makes."""
    ethertype, protocol = pl.col("ethertype"), pl.col("protocol")
    is_ip = ethertype.is_in([IPV4, IPV6]) | ((ethertype == MIXED) & (protocol > 0))
    computed = {
        "kind": pl.when(ethertype.is_in([IPV4, IPV6, ARP, RARP])).then(ethertype).otherwise(0),
        "protocol": pl.when(is_ip).then(protocol.cast(pl.Int64)).otherwise(ethertype.cast(pl.Int64) + (1 << 16)),
        "spi": pl.when(is_ip & (protocol == ESP)).then(pl.col("discriminator")).otherwise(0),
    }
    values = []
    for name in key.columns:
        if name == "observer":
            values += [pl.col(part) for part in OBSERVER]
        elif name.endswith("_mpls"):
            values.append(pl.col(name) & LABEL_BITS)
        else:
            values.append(computed[name] if name in computed else pl.col(name))
    return values or [protocol.is_null()]  # the same for all; a literal would make a group of no records


def _meets_itself(frame: pl.DataFrame) -> pl.Series:
    """Tell which conversations are there as seen from both ends."""
    source, destination, sport, dport, protocol, ethertype, separator = (pl.col(f"{KEY}{place}") for place in range(7))
    sport, dport = sport.cast(pl.Int64), dport.cast(pl.Int64)
    asked, is_icmp = _counterpart(protocol, sport // 256), protocol.is_in([ICMP, ICMPV6])
    ports = dport * 65536 + sport
    turned = pl.when(is_icmp).then(dport * 65536 + asked * 256 + sport % 256).otherwise(sport * 65536 + dport)
    one_way = (protocol == ESP) | ethertype.is_in([ARP, RARP, WLAN]) | (is_icmp & (asked < 0))
    swapped = (source > destination) | ((source == destination) & (ports > turned))
    ends = [
        pl.when(swapped).then(pair[0]).otherwise(pair[1]) for pair in ((destination, source), (source, destination))
    ]
    settled = pl.when(one_way).then(-1 - pl.col(ROW).cast(pl.Int64)).when(swapped).then(turned).otherwise(ports)
    return frame.select(pl.struct(_named([*ends, settled, protocol, ethertype, separator])).is_duplicated()).to_series()


def _named(values: Sequence[pl.Expr]) -> list[pl.Expr]:
    return [value.alias(str(place)) for place, value in enumerate(values)]


def _counterpart(protocol: pl.Expr, kind: pl.Expr) -> pl.Expr:
    """Return the ICMP type that answers another, as `icmp_counterpart` of records.py; -1 if there is none."""
    answer = (
        pl.when(kind.is_in([0, 8]))
        .then(8 - kind)
        .when(kind.is_in([9, 10]))
        .then(19 - kind)
        .when(kind.is_between(13, 18))
        .then(((kind - 13) ^ 1) + 13)
        .otherwise(-1)
    )
    return pl.when(protocol == ICMPV6).then(kind).otherwise(answer)


def _with_prefix(frame: pl.DataFrame, name: str, length: str) -> pl.DataFrame:
    """Put the bits that all addresses of a key share in the place of the least and the largest of them.

    Those that are not all of IPv4, or all of IPv6, share nothing.
    """
    least, largest = frame[LEAST + name], frame[LARGEST + name]
    rows = np.flatnonzero((least != largest).to_numpy())
    frame = frame.rename({LEAST + name: name}).drop(LARGEST + name)
    if not len(rows):
        return frame
    low, high = (_octets(side.gather(rows)) for side in (least, largest))
    shared = np.cumprod(np.unpackbits(low ^ high, axis=1) == 0, axis=1).sum(axis=1)
    known = np.isin(frame["ethertype"].gather(rows).to_numpy(), (IPV4, IPV6))
    bits = np.minimum(np.where(known, shared, 0), frame[length].gather(rows).to_numpy()).astype(np.uint8)
    kept = np.packbits(np.arange(8 * ADDRESS) < bits[:, None], axis=1)
    addresses = pl.Series([row.tobytes() for row in low & kept], dtype=pl.Binary)
    return frame.with_columns(frame[name].scatter(rows, addresses), frame[length].scatter(rows, bits))


def _octets(addresses: pl.Series) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.frombuffer(b"".join(addresses.to_list()), np.uint8).reshape(-1, ADDRESS)
