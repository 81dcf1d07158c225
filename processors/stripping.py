"""Leaving out parts of records, by the names that Argus's rastrip has for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from topics.errors import UsageError
from topics.frame import FIELDS
from topics.histograms import ACTIVE, BINS, COUNT_BYTES, IDLE, SIZES, VECTOR_BYTES
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

SIDES = ("src", "dst")


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names for side in SIDES)


_INTERVAL = ("count", "sum", "square_sum", "min", "max")
_NET = (
    *_both("lost_packets", "retransmitted_packets", "retransmitted_bytes", "out_of_order_packets", "gap_bytes"),
    *_both("zero_window_packets", "tcp_flags", "base_sequence", "last_sequence", "last_ack"),
    *_both("window", "window_shift", "mss"),
    *("tcp_state", "tcp_options", "syn_ack_time", "ack_data_time"),
)
PARTS: dict[str, tuple[str, ...]] = {
    "time": (*_both("first", "last"), "flow_start"),
    "metric": _both("packets", "bytes", "app_bytes", "duplicate_packets", "duplicate_bytes"),
    "agr": ("records", "duration_sum", "duration_square_sum", "duration_min", "duration_max"),
    "net": _NET,
    "frag": _both("fragments"),
    "vlan": _both("vlan", "inner_vlan"),
    "mpls": _both("mpls"),
    "jitter": _both(*(f"{kind}_{moment}" for kind in ("interval", "idle_interval") for moment in _INTERVAL)),
    "ipattr": _both("ttl", "ttl_min", "ttl_max", "tos", "ip_id", "ip_options"),
    "psize": _both("size_min", "size_max"),
    "suser": ("src_payload",),
    "duser": ("dst_payload",),
    "mac": _both("mac"),
    "icmp": ("icmp_error", "icmp_error_type", "icmp_error_code", "icmp_error_router", "icmp_error_time"),
    "encaps": (*_both("encapsulations"), "tunnel_kind", "tunnel_id", "tunnel_addresses"),
    "label": ("labels",),
}
HISTOGRAMS = _both("histograms")
COUNTED = {"psize": (SIZES, SIZES + BINS), "jitter": (ACTIVE, IDLE + BINS)}  # which counts of a vector are whose
USUAL = ("encaps", "agr", "vlan", "mpls", "mac", "icmp", "ipattr", "jitter", "suser", "duser")


def stripped_parts(words: Iterable[str]) -> list[str]:
    """Return the parts that the words of `-M` take away: `-net` or `net` that one, `+mac` the usual ones but it.

    Raises UsageError for an unknown one.
    """
    parts, named = list(USUAL), False
    for word in words:
        sign, name = (word[0], word[1:]) if word[:1] in {"+", "-"} else ("-", word)
        if name not in PARTS:
            raise UsageError(f"unknown part '{name}'{suggestion(name, PARTS)}")
        if sign == "-" and not named:
            parts, named = [], True
        if sign == "+":
            parts = [part for part in parts if part != name]
        elif name not in parts:
            parts.append(name)
    return parts


def strip(frame: pl.DataFrame, parts: Iterable[str]) -> pl.DataFrame:
    """Return the records of a frame without some parts: their columns say what they say where nothing was seen."""
    gone = [*parts]
    columns = [name for part in gone for name in PARTS[part] if name in frame.columns]
    cleared = [_nothing(name, frame.schema[name]).alias(name) for name in columns]
    histograms = [name for name in HISTOGRAMS if name in frame.columns]
    return frame.with_columns(*cleared, *(_uncounted(name, gone) for name in histograms if {*COUNTED} & {*gone}))


def _uncounted(name: str, parts: Iterable[str]) -> pl.Expr:
    """Return histograms without the counts of some parts."""
    kept = np.full(VECTOR_BYTES, 0xFF, np.uint8)
    for first, stop in (COUNTED[part] for part in parts if part in COUNTED):
        kept[COUNT_BYTES * first : COUNT_BYTES * stop] = 0

    def without(column: pl.Series) -> pl.Series:
        return pl.Series([_masked(each, kept) for each in column.to_list()], dtype=pl.Binary)

    return pl.col(name).map_batches(without, return_dtype=pl.Binary, is_elementwise=True)


def _masked(vector: bytes, kept: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    if len(vector) != VECTOR_BYTES:
        return b""
    left = np.frombuffer(vector, np.uint8) & kept
    return left.tobytes() if left.any() else b""


def _nothing(name: str, kind: pl.DataType) -> pl.Expr:
    if name == "records":
        return pl.lit(1).cast(kind)
    if kind == pl.Binary:
        return pl.lit(bytes(FIELDS[name].size) if FIELDS[name].kind == "fixed" else b"")
    if kind == pl.String:
        return pl.lit("")
    return pl.lit(None).cast(kind) if kind.is_temporal() else pl.lit(0).cast(kind)
