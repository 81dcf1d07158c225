"""Filters that lead from a number to the flows behind it."""

from __future__ import annotations

import functools
import re
from ipaddress import ip_address

from topics.errors import FilterError

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_SERVICE = re.compile(r"(tcp|udp|sctp)/(\d{1,5})")
_NETWORK = re.compile(r"[0-9a-f.:]{2,39}/\d{1,3}")
_NUMBER = re.compile(r"\d{1,10}")
ENDS = {"country": ("sco", "dco"), "as": ("sas", "das"), "name": ("sname", "dname"), "locality": ("sloc", "dloc")}
SIDES = {"addr": "", "saddr": "src ", "daddr": "dst ", "laddr": "", "raddr": ""}
NUMBERS = {"sas", "das", "sloc", "dloc"}


@functools.lru_cache(1 << 14)
def filter_of(by: str, key: str) -> str | None:
    """Return a filter for the flows that have a value of a field, None where the language cannot say it."""
    text = _text(by, key)
    if text is None:
        return None
    from topics import filter as filters

    try:
        filters.parse(text)
    except FilterError:
        return None
    return text


def of_pair(source: str, destination: str) -> str | None:
    """Return a filter for what two addresses have with each other, whoever began."""
    ends = [filter_of("addr", address) for address in (source, destination)]
    return None if None in ends else f"{ends[0]} and {ends[1]}"


def between(by: str, one: str, other: str) -> str | None:
    """Return a filter for what two values have with each other, or one of them with itself."""
    if one != other:
        return joined(filter_of(by, one), filter_of(by, other))
    if by in ENDS:
        return joined(*(filter_of(name, one) for name in ENDS[by]))
    text = filter_of(by, one)
    return text and f"src {text} and dst {text}"


def joined(one: str | None, other: str | None) -> str | None:
    """Return a filter for what both select."""
    parts = [part for part in (one, other) if part]
    if len(parts) < 2:
        return parts[0] if parts else None
    return " and ".join(f"({part})" if " or " in part else part for part in parts)


def _text(by: str, key: str) -> str | None:
    if by in SIDES:
        return _host(SIDES[by], key)
    if by == "net":
        return f"net {key}" if _NETWORK.fullmatch(key) else None
    if by in ENDS:
        one, other = (_equal(name, key) for name in ENDS[by])
        return f"({one} or {other})" if one and other else None
    if by == "service":
        match = _SERVICE.fullmatch(key)
        return f"{match[1]} and dst port {match[2]}" if match else _equal("proto", key)
    if by in {"sport", "dport"}:
        return f"{by} = {key}" if _NUMBER.fullmatch(key) else None
    if by == "srcid":
        return _pattern("srcid", key) if '"' in key else f"srcid {_quoted(key)}" if key else None
    return _equal(by, key)


def _host(side: str, key: str) -> str | None:
    try:
        return f"{side}host {ip_address(key)}"
    except ValueError:
        return f"ether {side}host {key}" if _MAC.fullmatch(key) else None


def _equal(name: str, key: str) -> str | None:
    if not key:
        return None
    if name in NUMBERS:
        return f"{name} = {key}" if _NUMBER.fullmatch(key) else None
    if name == "proto":
        from topics.filter.words import IP_PROTOCOLS

        return key if key in IP_PROTOCOLS or key == "arp" else _pattern(name, key)
    from topics.fields import field

    if field(name).format.holds == "number":
        return f"{name} = {key}" if '"' not in key else None
    return _pattern(name, key) if '"' in key else f"{name} = {_quoted(key)}"


def _pattern(name: str, key: str) -> str:
    """Return a filter for a whole text by a pattern: it can write the quote that no quoted text may hold."""
    escaped = re.escape(key).replace('"', "[\\x22]")  # in brackets, where no digits that follow are taken for its own
    return f"{name} ~ {_quoted(f'^{escaped}$')}"


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w.^$-]+", text) and text not in {"and", "or", "not", "in"} else f'"{text}"'
