"""What records are sorted by: `bytes`, `saddr/24`, `-dur`; largest first where Argus's rasort does so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from topics.errors import UsageError
from topics.fields import field

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT = ("stime",)
# Smallest first, as rasort 3.0.8.2 was seen to do; of other numbers the largest comes first, texts are in their order.
ASCENDING = frozenset(
    (
        *("stime", "ltime", "sstime", "sltime", "dstime", "dltime", "rtime", "idle"),
        *("dur", "sdur", "ddur", "mean", "min", "max", "sum", "runtime"),
        *("sport", "dport", "sttl", "dttl", "sminsz", "dminsz", "seq", "rank", "proto", "etype", "smask", "dmask"),
    )
)
WITH_LENGTH = {"saddr": "src_address", "daddr": "dst_address"}
MAPPED_BITS, ADDRESS_BITS, ADDRESS_SIZE = 96, 128, 16
MAPPED = np.frombuffer(bytes(10) + b"\xff\xff", np.uint8)


class SortKey(NamedTuple):
    """One of the values that records are sorted by."""

    value: pl.Expr
    descending: bool


def sort_keys(words: Iterable[str]) -> list[SortKey]:
    """Return the keys that the words of `-m` ask for, the start time without any; raises UsageError."""
    named = [part for word in words for part in word.replace(",", " ").split()]
    return [_key(name) for name in named or DEFAULT]


def _key(word: str) -> SortKey:
    sign = word[0] if word[0] in "+-" else ""
    name, slash, length = word[len(sign) :].partition("/")
    known = field(name)
    if known.format.holds == "bytes" or name in {"rank", "rtime"}:
        raise UsageError(f"records cannot be sorted by '{name}'")
    descending = known.format.holds == "number" and name not in ASCENDING
    if sign:
        descending = sign == "-"
    return SortKey(_network(name, length) if slash else known.sort_key(), descending)


def _network(name: str, length: str) -> pl.Expr:
    if name not in WITH_LENGTH or not length.isdecimal() or int(length) > ADDRESS_BITS:
        raise UsageError(f"no prefix length: '{name}/{length}'")
    bits = int(length)
    return pl.col(WITH_LENGTH[name]).map_batches(
        lambda column: _masked(column, bits), return_dtype=pl.Binary, is_elementwise=True
    )


def _masked(column: pl.Series, bits: int) -> pl.Series:
    """Clear the bits of addresses behind a prefix; of IPv4 addresses it is counted from their own first bit."""
    octets = np.frombuffer(b"".join(column.to_list()), np.uint8).reshape(-1, ADDRESS_SIZE)
    ipv4 = (octets[:, : len(MAPPED)] == MAPPED).all(axis=1)
    masks = np.stack([_mask(bits), _mask(min(MAPPED_BITS + bits, ADDRESS_BITS))])
    return pl.Series([row.tobytes() for row in octets & masks[ipv4.astype(np.intp)]], dtype=pl.Binary)


def _mask(bits: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    number = (1 << ADDRESS_BITS) - (1 << (ADDRESS_BITS - bits))
    return np.frombuffer(number.to_bytes(ADDRESS_SIZE, "big"), np.uint8)
