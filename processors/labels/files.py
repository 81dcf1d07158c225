"""Lists in text files, one entry a line, `#` begins a comment; whatever is wrong is named by file and line."""

from __future__ import annotations

import re
from pathlib import Path
from socket import AF_INET, inet_pton
from typing import TYPE_CHECKING

import numpy as np

from processors.labels.blocking import AddressSet, NameSet
from processors.labels.prefixes import Prefixes, networks
from processors.labels.rules import Rules
from topics.address_text import IPV4_MAPPED
from topics.errors import FilterError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.labels.prefixes import Addresses, Facts, Places

_OUI = re.compile(r"((?:[0-9A-Fa-f]{2}[-:]?){2}[0-9A-Fa-f]{2})(?:\s+\((?:hex|base 16)\))?\s+(\S.*)")
_COUNTRY = re.compile("[A-Z]{2}")
_IPV6_BITS = 128


class Ranges:
    """Countries by ranges of addresses that do not overlap, as delegated files give them."""

    def __init__(self, ranges: list[tuple[int, int, str]]) -> None:
        ranges = [(0, 0, ""), *sorted(ranges)]
        starts, ends, countries = zip(*ranges, strict=True)
        self._starts, self._ends = (np.array([each.to_bytes(16) for each in side], "S16") for side in (starts, ends))
        kinds = {"": 0}
        self._kinds = np.array([kinds.setdefault(country, len(kinds)) for country in countries], np.int64)
        self._facts: list[Facts] = [{"co": country} if country else {} for country in kinds]

    def places(self, addresses: Addresses) -> Places:
        """Return a number for the country of each address (S16), 0 where there is none."""
        ranges = np.searchsorted(self._starts, addresses, "right") - 1
        return np.where(addresses <= self._ends[ranges], self._kinds[ranges], 0)

    def facts(self, addresses: Addresses) -> list[Facts]:
        """Return the countries that addresses (S16) were delegated to."""
        return [self._facts[place] for place in self.places(addresses).tolist()]


def read_delegated(path: str) -> Ranges:
    """Return the countries of a delegated file of a registry: `arin|US|ipv4|3.0.0.0|16777216|...`."""
    ranges = []
    for number, line in _lines(path):
        cells = line.split("|")
        if len(cells) < 7 or cells[2] not in ("ipv4", "ipv6") or not _COUNTRY.fullmatch(cells[1]):
            if "|" not in line:
                raise SettingsError(f"{path}: line {number}: no entry of a delegated file: '{line[:60]}'")
            continue  # the header, sums and AS numbers
        try:
            start, size = networks(cells[3])[0][0], int(cells[4])
        except ValueError as error:
            raise SettingsError(f"{path}: line {number}: {error}") from None
        count = size if cells[2] == "ipv4" else 1 << (_IPV6_BITS - min(size, _IPV6_BITS))
        ranges.append((start, start + count - 1, cells[1]))
    return Ranges(ranges)


def read_addresses(path: str) -> Prefixes:
    """Return labels by network: `10.1.0.0/16 key=value:key=value`, or a text, which becomes the value of `addr`."""
    found = Prefixes()
    for number, line in _lines(path):
        where, _, text = line.partition(" ") if "\t" not in line else line.partition("\t")
        facts = dict(_fact(part) for part in text.strip().strip('"').split(":") if part.strip())
        _add(found, path, number, where, facts)
    found.freeze()
    return found


def read_locality(path: str) -> Prefixes:
    """Return how local networks are: `10.0.0.0/8 LOCUS [ASN] [GROUP]`, with a locus from 0 to 255."""
    found = Prefixes()
    for number, line in _lines(path):
        words = line.replace(" - ", "-").split()
        if len(words) < 2 or not words[1].isdigit() or int(words[1]) > 255:
            raise SettingsError(f"{path}: line {number}: write ADDRESS LOCUS [ASN] [GROUP], with a locus of 0 to 255")
        facts: Facts = {"loc": words[1]}
        rest = words[2:]
        if rest and rest[0].isdigit():
            facts["as"] = rest.pop(0)
        if rest:
            facts["grp"] = rest[0]
        _add(found, path, number, words[0], facts)
    found.freeze()
    return found


def read_vendors(path: str) -> dict[bytes, str]:
    """Return vendors by the first three bytes of MACs, as IEEE's oui.txt lists them, or as `00:00:0c NAME`."""
    found = {}
    for _, line in _lines(path):
        match = _OUI.match(line)
        if match:
            found[bytes.fromhex(re.sub("[-:]", "", match[1]))] = match[2].strip()
    if not found:
        raise SettingsError(f"{path}: line 1: holds no vendors: '00:00:0C NAME' or the lines of IEEE's oui.txt")
    return found


def read_rules(path: str) -> Rules:
    """Return rules: `filter="tcp and dst port 22" label="use=admin" [cont]`."""
    rules = Rules()
    for number, line in _lines(path):
        try:
            rules.add(line)
        except (ValueError, FilterError) as error:
            raise SettingsError(f"{path}: line {number}: {error}") from None
    return rules


def read_blocked_addresses(path: str) -> AddressSet:
    """Return a block list of addresses, networks and ranges."""
    single: list[bytes] = []
    larger = Prefixes()
    for number, line in _lines(path):
        word = line.split()[0]
        try:
            single.append(IPV4_MAPPED + inet_pton(AF_INET, word))
        except OSError:
            _add(larger, path, number, word, {"in": "list"})
    return AddressSet(single, larger)


def read_blocked_names(path: str) -> NameSet:
    """Return a block list of names: exact, `.example.com` with all below, `*.example.com` all below, `ad?.*.example`.

    Lines of a hosts file, an address before the name, are taken as well.
    """
    found = NameSet()
    for number, line in _lines(path):
        words = line.split()
        try:
            found.add(words[-1])
        except ValueError as error:
            raise SettingsError(f"{path}: line {number}: {error}") from None
    found.freeze()
    return found


def _add(found: Prefixes, path: str, number: int, text: str, facts: Facts) -> None:
    try:
        found.add(text, facts)
    except ValueError:
        message = f"'{text[:60]}' is no address, network or range"
        raise SettingsError(f"{path}: line {number}: {message}") from None


def _fact(part: str) -> tuple[str, str | tuple[str, ...]]:
    key, equals, value = part.strip().partition("=")
    return (key, value) if equals else ("addr", (key,))


def _lines(path: str) -> Iterator[tuple[int, str]]:
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                content = line.partition("#")[0].strip()
                if content:
                    yield number, content
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: line 1: no text in UTF-8") from None
