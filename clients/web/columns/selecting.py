"""Which rows of a file a filter selects: leaf by leaf, each by the least that it takes to look at.

Texts and addresses are looked at once for each distinct value; numbers in memory as they are; what is not in memory is
read, of as few rows as the file says may hold the hosts of the filter. tests/clients/web hold it against the filter
that `argosy ra` uses.
"""

from __future__ import annotations

from bisect import bisect_left
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from clients.reading.narrowing import rows_with_hosts
from clients.web.columns.compared import compared
from clients.web.columns.prepared import DOMAIN_OF, NONE, ORDERS, RAW, read
from topics.filter import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.web.columns.prepared import Column, Prepared
    from topics.expression import Value
    from topics.filter.tree import Node

AS_RECORDS = {*RAW, "src_packets", "dst_packets", "src_bytes", "dst_bytes"}
SIDES = {"src": ("saddr",), "dst": ("daddr",), "either": ("saddr", "daddr"), "both": ("saddr", "daddr")}
HOSTS = 64  # of which rows are looked up one by one
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

    def candidates(self, node: Node, most: int) -> Column | None:
        """Return the rows that a filter may select, by the hosts it names; None when they are more than `most`."""
        match node:
            case tree.All(parts):
                known = [rows for part in parts if (rows := self.candidates(part, most)) is not None]
                return min(known, key=len) if known else None
            case tree.Any(parts):
                known = [rows for part in parts if (rows := self.candidates(part, most)) is not None]
                return _united(known, most) if len(known) == len(parts) else None
            case tree.Address(direction, network) if direction in SIDES:
                codes = np.flatnonzero(self._inside(network))
                ends = [self._rows_of(name, codes, most) for name in SIDES[direction]]
                known = [rows for rows in ends if rows is not None]
                if direction == "both":
                    return np.sort(min(known, key=len)) if known else None
                return _united(known, most) if len(known) == len(ends) else None
            case _:
                return None

    def _rows_of(self, name: str, codes: Column, most: int) -> Column | None:
        """Return the rows that have one of some codes at an end, None when they are more than `most`."""
        order = self._file.columns.get(ORDERS[name])
        if order is None or len(codes) > HOSTS:  # all rows are alike, or a network is as well looked for in all
            return None
        own, ends = self._file.columns[name], range(len(order))
        parts = []
        for code in codes.tolist():
            begin = bisect_left(ends, code, key=lambda place: own[order[place]])
            parts.append(order[begin : bisect_left(ends, code + 1, lo=begin, key=lambda place: own[order[place]])])
        rows = np.concatenate([np.zeros(0, np.uint32), *parts])
        return rows if len(rows) <= most else None

    def value(self, wanted: Value) -> Column:
        """Return which rows meet a condition."""
        from topics.expression.polars import polars
        from topics.expression.value import column_names

        if column_names(wanted) <= AS_RECORDS and (found := compared(self._file, wanted)) is not None:
            return found if len(found) == self._file.rows else np.full(self._file.rows, found[0])
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
        inside: Column
        words = self._file.words["address"]
        if network.prefixlen == network.max_prefixlen:
            text = str(network.network_address)
            inside = np.zeros(len(words), np.bool_)
            place = bisect_left(words, text)
            inside[place : place + 1] = place < len(words) and words[place] == text
            return inside
        if "packed" not in self._file.made:
            self._file.made["packed"] = np.array([_packed(word) for word in words], "S17")
        packed = self._file.made["packed"]
        first, last = (_sized(each.packed) for each in (network.network_address, network.broadcast_address))
        inside = (packed >= first) & (packed <= last)
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

        file = self._file.whole or self._file
        ranges = rows_with_hosts(file.name, self._whole)
        if ranges is None:
            return self._file.taken(read(file, wanted).fill_null(value=False).to_numpy())
        mask = np.zeros(file.rows, np.bool_)
        with reading([file.name]):
            for first, last in ranges:
                begin, end = max(first - file.offset, 0), min(last - file.offset, file.rows)
                if begin < end:
                    part = scan([file.name]).slice(file.offset + begin, end - begin).select(wanted).collect()
                    mask[begin:end] = _flat(part, end - begin)
        return self._file.taken(mask)


def _united(parts: list[Column], most: int) -> Column | None:
    """Return the rows of all parts in order, None when they are more than `most`."""
    rows = np.sort(np.concatenate(parts))
    rows = rows[np.concatenate([[True], rows[1:] != rows[:-1]])] if len(rows) else rows
    return rows if len(rows) <= most else None


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
    mask = frame["wanted"].fill_null(value=False).cast(pl.UInt8).to_numpy().view(np.bool_)  # bits one by one are slow
    return np.ascontiguousarray(mask if len(mask) == rows else np.repeat(mask, rows))
