"""Which rows of a file a filter selects: leaf by leaf, each by the least that it takes to look at.

Texts and addresses are looked at once for each distinct value; numbers in memory as they are; what is not in memory is
read, of as few rows as the file says may hold the hosts of the filter. tests/clients/web hold it against the filter
that `argosy ra` uses.
"""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from clients.narrowing import rows_with_hosts
from clients.web.columns.prepared import DOMAIN_OF, NONE, RAW
from topics.filter import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.web.columns.prepared import Column, Prepared
    from topics.expression import Value
    from topics.filter.tree import Node

AS_RECORDS = {*RAW, "src_packets", "dst_packets", "src_bytes", "dst_bytes"}
SIDES = {"src": ("saddr",), "dst": ("daddr",), "either": ("saddr", "daddr"), "both": ("saddr", "daddr")}
NUMBERS = {"sas", "das", "sloc", "dloc"}


class Selector:
    """Finds the rows of a file that a filter selects; raises InputError for a file that is damaged."""

    def __init__(self, file: Prepared, whole: Node | None) -> None:
        self._file, self._whole = file, whole

    def mask(self, node: Node) -> Column:
        """Return which rows a part of the filter selects."""
        match node:
            case tree.All(parts):
                return self._joined(np.logical_and, parts)
            case tree.Any(parts):
                return self._joined(np.logical_or, parts)
            case tree.Not(part):
                return np.logical_not(self.mask(part))
            case tree.Address(direction, network) if direction in SIDES:
                inside = self._inside(network)
                masks = [self._of(name, inside) for name in SIDES[direction]]
                join = np.logical_and if direction == "both" else np.logical_or
                return masks[0] if len(masks) == 1 else join(*masks)
            case tree.Compared(field, "eq", constant) if field in DOMAIN_OF:
                return self._of(field, self._words(field, lambda word: _equal(field, word, constant)))
            case tree.Matched(field, pattern) if field in DOMAIN_OF:
                found = pl.Series(self._file.words[DOMAIN_OF[field]]).str.contains(pattern).to_numpy().copy()
                found[0] = False
                return self._of(field, found)
            case _:
                from topics.filter.compiler import expression

                return self.value(expression(node))

    def value(self, wanted: Value) -> Column:
        """Return which rows meet a condition."""
        from topics.expression.polars import polars

        column = polars(wanted).alias("wanted")
        needed = set(column.meta.root_names())
        if needed <= AS_RECORDS:
            return _flat(self._file.frame(sorted(needed)).select(column), self._file.rows)
        return self._read(column)

    def _joined(self, join: np.ufunc, parts: tuple[Node, ...]) -> Column:
        found = self.mask(parts[0])
        for part in parts[1:]:
            if join is np.logical_and and not found.any():
                return found
            found = join(found, self.mask(part))
        return found

    def _inside(self, network: tree.Network) -> Column:
        """Return which addresses of the file lie in a network."""
        words = self._file.words["address"]
        if network.prefixlen == network.max_prefixlen:
            text = str(network.network_address)
            return np.array([word == text for word in words], np.bool_)
        if "packed" not in self._file.made:
            self._file.made["packed"] = np.array([_packed(word) for word in words], "S17")
        packed = self._file.made["packed"]
        first, last = (_sized(each.packed) for each in (network.network_address, network.broadcast_address))
        inside: Column = (packed >= first) & (packed <= last)
        return inside

    def _words(self, field: str, holds: Callable[[str], bool]) -> Column:
        return np.array([word != NONE and holds(word) for word in self._file.words[DOMAIN_OF[field]]], np.bool_)

    def _of(self, field: str, holds: Column) -> Column:
        """Return which rows have a value that something holds of."""
        codes = self._file.column(field)
        if len(codes) == self._file.rows:
            return holds[codes]
        return np.full(self._file.rows, holds[codes[0]])

    def _read(self, wanted: pl.Expr) -> Column:
        from sinks.formats.scan import reading, scan

        name, rows = self._file.name, self._file.rows
        ranges = rows_with_hosts(name, self._whole)
        with reading([name]):
            if ranges is None:
                return _flat(scan([name]).select(wanted).collect(), rows)
            mask = np.zeros(rows, np.bool_)
            for begin, end in ranges:
                part = scan([name]).slice(begin, end - begin).select(wanted).collect()
                mask[begin:end] = _flat(part, end - begin)
        return mask


def _packed(word: str) -> bytes:
    """Return an address so that those of a network follow each other, empty for the MAC of a station."""
    try:
        return _sized(inet_pton(AF_INET6 if ":" in word else AF_INET, word))
    except OSError:
        return b""


def _sized(packed: bytes) -> bytes:
    return bytes([len(packed)]) + packed


def _equal(field: str, word: str, constant: float | str) -> bool:
    if field in NUMBERS:
        return float(word) == constant
    return word == constant


def _flat(frame: pl.DataFrame, rows: int) -> Column:
    mask = frame["wanted"].fill_null(value=False).to_numpy()
    return np.ascontiguousarray(mask if len(mask) == rows else np.repeat(mask, rows))
