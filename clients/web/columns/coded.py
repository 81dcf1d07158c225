"""Codes for the values that flows are told apart by: of a field or of either end, and one number for all files."""

from __future__ import annotations

import threading
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from clients.web.columns.prepared import DOMAIN_OF, NONE, PORTS, read
from clients.web.errors import ParameterError
from processors.summaries.warm import fixed
from topics.errors import UsageError
from topics.fields.columns import WITH_PORTS

if TYPE_CHECKING:
    from clients.web.columns.kept import Kept
from clients.web.columns.prepared import Column, Prepared

EITHER = {
    "addr": ("saddr", "daddr"),
    "country": ("sco", "dco"),
    "as": ("sas", "das"),
    "name": ("sname", "dname"),
    "locality": ("sloc", "dloc"),
}
FAST = (*EITHER, *(name for name in DOMAIN_OF), *PORTS)
NUMBERS = [str(number) for number in range(1 << 16)]
LENGTH = 1 << 8


class Vocabulary:
    """The values of one kind of field in all files, each with a number; 0 is none."""

    def __init__(self) -> None:
        self.words: list[str] = [NONE]
        self._codes: dict[str, int] = {NONE: 0}
        self._lock = threading.Lock()

    def codes(self, words: list[str]) -> Column:
        """Return the numbers of words, new ones for those that are new."""
        with self._lock:
            known = list(map(self._codes.get, words))
            if None in known:
                new = dict.fromkeys(word for word, code in zip(words, known, strict=True) if code is None)
                self._codes |= {word: len(self.words) + place for place, word in enumerate(new)}
                self.words += new
                known = list(map(self._codes.get, words))
            return np.array(known, np.int64)

    def code(self, word: str) -> int | None:
        """Return the number of a word, None when no file had it."""
        return self._codes.get(word)


class Coded(NamedTuple):
    """One or two columns of codes of a file, and the number that each code has in all files."""

    columns: tuple[Column, ...]
    everywhere: Column


class Columns:
    """What fields flows are told apart by; `kept` bounds the memory that those take which are not prepared."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self._ranks: dict[str, Column] = {}
        self._vocabularies: dict[str, Vocabulary] = {}
        self._lock = threading.Lock()

    def vocabulary(self, by: str) -> Vocabulary:
        """Return the values of a field in all files that were looked at."""
        name = EITHER[by][0] if by in EITHER else by
        domain = DOMAIN_OF.get(name, "port" if name in PORTS else name)
        known = self.of_domain(domain)
        if domain == "port" and len(known.words) == 1:
            known.codes(NUMBERS)
        return known

    def of_domain(self, domain: str) -> Vocabulary:
        """Return the values of a domain in all files that were looked at."""
        with self._lock:
            return self._vocabularies.setdefault(domain, Vocabulary())

    def everywhere(self, file: Prepared, domain: str) -> Column:
        """Return the number in all files of each code that a file has for the values of a domain."""
        if domain not in file.made:
            file.made[domain] = self.of_domain(domain).codes(file.words[domain])
        return file.made[domain]

    def ranks(self, by: str) -> Column:
        """Return the place of each value of a field in their order: addresses as numbers, others as text."""
        words = self.vocabulary(by).words
        known = self._ranks.get(by)
        if known is not None and len(known) >= len(words):
            return known
        size = len(words)
        key = _packed if by in {"saddr", "daddr"} else str
        ranks = np.empty(size, np.int64)
        ranks[sorted(range(size), key=lambda place: key(words[place]))] = np.arange(size)
        self._ranks[by] = ranks
        return ranks

    def coded(self, file: Prepared, by: str) -> Coded:
        """Return the codes of a field, or of both ends, in a file; raises InputError."""
        names = EITHER.get(by, (by,))
        if names[0] in DOMAIN_OF:
            everywhere = self.everywhere(file, DOMAIN_OF[names[0]])
            return Coded(tuple(file.column(name) for name in names), everywhere)
        if by in PORTS:
            whole = file.whole or file
            key = ("ports", file.key, by)
            ports: Column = self.kept.made(key, lambda: _ports(whole, by), lambda made: made.nbytes)
            return Coded((fixed(file.taken(ports)),), np.arange((1 << 16) + 1))
        found: tuple[Column, list[str]] = self.kept.made(
            ("codes", file.key, by), lambda: _computed(file, by), lambda made: made[0].nbytes + LENGTH * len(made[1])
        )
        return Coded((fixed(file.taken(found[0])),), self.vocabulary(by).codes(found[1]))


def _packed(word: str) -> tuple[bytes, str]:
    try:
        return bytes([4 + 2 * (":" in word)]) + inet_pton(AF_INET6 if ":" in word else AF_INET, word), ""
    except OSError:
        return b"", word


def check_by(name: str) -> str:
    """Return the name of what flows may be told apart by; raises ParameterError."""
    from topics.fields import field

    if name in FAST:
        return name
    try:
        known = field(name)
    except UsageError as error:
        raise ParameterError(str(error)[:300], "by", "field") from None
    if known.format.holds in {"bytes", "time"} or name in {"rank", "rtime", "hash", "idle"}:
        raise ParameterError(f"flows are not told apart by '{name}'", "by", "field")
    return name


def _ports(file: Prepared, by: str) -> Column:
    """Return ports from 1 on, 0 for flows of protocols that have none."""
    with_ports = np.isin(file.column("protocol"), WITH_PORTS)
    ports = np.where(with_ports, file.column(PORTS[by]).astype(np.uint32) + np.uint32(1), np.uint32(0))
    return fixed(ports if len(ports) == file.rows else np.repeat(ports, file.rows))


def _computed(file: Prepared, by: str) -> tuple[Any, list[str]]:
    from clients.web.columns.making import text_of
    from topics.fields import Style

    wanted = text_of(by, Style(port_names=False)).cast(pl.String)
    column = read(file, wanted).fill_null(NONE)
    known = column.unique()
    codes = pl.DataFrame({"text": known, "code": pl.int_range(len(known), eager=True).cast(pl.UInt32)})
    joined = column.to_frame("text").join(codes, on="text", how="left", maintain_order="left")["code"]
    return fixed(joined.to_numpy()), known.to_list()
