"""The keys that `racluster -m` takes, and how a record is made to fit them before it is looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.merge import rules
from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

Rows = np.ndarray[Any, np.dtype[np.int64]]

IPV4_BITS, ADDRESS_BITS = 32, 128
LABEL_BITS = 0xFFFFF000  # of an MPLS label stack entry (RFC 3032), all that racluster compares
DIGITS = re.compile("[0-9]{1,3}")
COMPUTED = ("kind", "protocol", "spi")

# What racluster calls it: fields of the record that are compared. `kind` and `spi` stand for what a kernel works out.
COLUMNS: dict[str, tuple[str, ...]] = {
    "srcid": ("observer",),
    "probe": ("observer",),
    "smac": ("src_mac",),
    "dmac": ("dst_mac",),
    "svlan": ("src_vlan",),
    "dvlan": ("dst_vlan",),
    "smpls": ("src_mpls",),
    "dmpls": ("dst_mpls",),
    "saddr": ("kind", "src_address"),
    "daddr": ("kind", "dst_address"),
    "matrix": ("kind", "src_address", "dst_address"),
    "proto": ("protocol",),
    "sport": ("protocol", "src_port"),
    "dport": ("protocol", "dst_port", "spi"),
    "stos": ("src_tos",),
    "dtos": ("dst_tos",),
    "sttl": ("src_ttl",),
    "dttl": ("dst_ttl",),
    "stcpb": ("src_base_sequence",),
    "dtcpb": ("dst_base_sequence",),
    "inode": ("icmp_error_router",),
}
WITH_LENGTH = {"saddr", "daddr", "matrix", "inode"}
NONE, ALL = "none", "all"
KNOWN = (*COLUMNS, NONE, ALL)

# Fields of the flow key: zeroed with nopreserve unless they are compared.
IDENTITY = (
    *("ethertype", "protocol", "src_address", "dst_address", "src_prefix_length", "dst_prefix_length"),
    *("src_port", "dst_port", "discriminator"),
)


@dataclass(frozen=True, slots=True)
class KeyFields:
    """A parsed `-m` list: columns compared, bits kept of address fields, and the modes `none` and `matrix`."""

    columns: tuple[str, ...] = ()
    lengths: dict[str, int] = field(default_factory=dict)
    alone: bool = False
    matrix: bool = False

    def octets(self) -> Rows:
        """Return the compared octets of a record as rows of (offset, bits that count), `kind` and `spi` left out."""
        rows = []
        for name in self.columns:
            if name in COMPUTED:
                continue
            (kind, offset) = rules.column(name)
            size = kind.itemsize
            bits = LABEL_BITS if name.endswith("_mpls") else (1 << 8 * size) - 1
            rows += [(offset + octet, bits >> 8 * octet & 0xFF) for octet in range(size)]
        return np.array(rows, np.int64).reshape(-1, 2)

    def compares(self, name: str) -> bool:
        """Whether a column is part of the key."""
        return name in self.columns

    def zeroed(self) -> Rows:
        """Return what nopreserve clears as rows of (offset, bytes)."""
        kept = set(self.columns)
        kept |= {name.replace("address", "prefix_length") for name in self.columns}
        if "protocol" in kept or "kind" in kept:
            kept.add("ethertype")
        if "spi" in kept:
            kept.add("discriminator")
        columns = [rules.column(name) for name in IDENTITY if name not in kept]
        rows = [(offset, kind.itemsize) for kind, offset in columns]
        return np.array(rows, np.int64).reshape(-1, 2)

    def masks(self) -> Rows:
        """Return the addresses to shorten as rows of (word, place of the prefix length or -1, bits)."""
        rows = []
        for name, bits in self.lengths.items():
            has_length = name != "icmp_error_router"
            length = rules.place(name.replace("address", "prefix_length")) if has_length else -1
            rows.append((rules.place(name, rules.WORDS), length, bits))
        return np.array(rows, np.int64).reshape(-1, 3)


def parse_keys(words: Sequence[str]) -> KeyFields:
    """Return the key that the words after `-m` ask for.

    Raises UsageError for a word that is no key or a prefix length that is none.
    """
    parsed = [_split(word) for word in words]
    names = [name for name, _ in parsed]
    if NONE in names:
        return KeyFields(alone=True)
    lengths: dict[str, int] = {}
    columns: list[str] = []
    for name, length in parsed:
        own = COLUMNS.get(name, ())
        columns += [column for column in own if column not in columns]
        if length is not None:
            lengths |= dict.fromkeys((column for column in own if column != "kind"), length)
    return KeyFields(tuple(columns), lengths, matrix="matrix" in names)


def _split(word: str) -> tuple[str, int | None]:
    """Return a key and its prefix length: `saddr/24`, or with a mask, `saddr/255.255.255.0`."""
    name, slash, length = word.partition("/")
    if name not in KNOWN:
        raise UsageError(f"unknown key '{name}'{suggestion(name, sorted(KNOWN))}")
    if not slash:
        return name, None
    if name not in WITH_LENGTH:
        raise UsageError(f"key '{name}' takes no prefix length: '{word}'")
    bits = _mask_bits(length) if "." in length else int(length) if DIGITS.fullmatch(length) else -1
    if not 0 <= bits <= ADDRESS_BITS:
        raise UsageError(f"no prefix length: '{word}'")
    return name, bits


def _mask_bits(text: str) -> int:
    """Return the bits of a dotted mask, -1 when it is none."""
    parts = text.split(".")
    if len(parts) != IPV4_BITS // 8 or not all(DIGITS.fullmatch(part) and int(part) < 256 for part in parts):
        return -1
    ones = "".join(f"{int(part):08b}" for part in parts)
    return ones.count("1") if "01" not in ones else -1
