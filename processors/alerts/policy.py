"""Policies as routers have them (extended access lists, as rapolicy reads), as a filter of what they deny."""

from __future__ import annotations

import functools
import re
from ipaddress import IPv4Address
from pathlib import Path

from topics.errors import SettingsError

MOST_LINES = 500
COMPARISONS = {"eq": "=", "neq": "!=", "gt": ">", "lt": "<"}
PROTOCOLS = {"ip": "", "ipv4": ""} | {name: name for name in ("tcp", "udp", "icmp", "gre", "esp", "igmp")}
_NUMBER = re.compile(r"\d{1,5}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


@functools.lru_cache(256)
def policy_filter(path: str, match: str = "") -> str:
    """Return the filter for flows that an access list does not permit, of those that `match` selects.

    A flow is judged by the first line that it meets, as it was begun; what no line says is denied. Raises SettingsError
    naming file and line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    if len(lines) > MOST_LINES:
        raise SettingsError(f"{path}: {len(lines)} lines, more than {MOST_LINES}")
    denied = "ip"
    for number in range(len(lines), 0, -1):
        entry = _entry(path, number, lines[number - 1])
        if entry is not None:
            permits, text = entry
            denied += f" and not ({text})" if permits else f" or ({text})"  # both bind alike, from left to right
    return f"({match}) and ({denied})" if match else denied


def _entry(path: str, number: int, line: str) -> tuple[bool, str] | None:
    """Return whether a line permits, and what; None for one that says nothing."""
    words = _said(line)
    if not words:
        return None
    reader = _Words(f"{path}: line {number}", words)
    action = reader.take("permit or deny")
    if action not in {"permit", "deny"}:
        raise reader.wrong(f"'{action}' is neither permit nor deny")
    protocol = reader.take("a protocol")
    if protocol not in PROTOCOLS and not _NUMBER.fullmatch(protocol):
        raise reader.wrong(f"unknown protocol '{protocol}'")
    parts = [PROTOCOLS.get(protocol, f"proto {protocol}")]
    for side in ("src", "dst"):
        parts += [reader.address(side), reader.ports(side)]
    for word in reader.rest():
        if word == "established":
            parts.append("est")
        elif word not in {"log", "log-input"}:
            raise reader.wrong(f"'{word}' is not understood")
    return action == "permit", " and ".join(part for part in parts if part) or "ip"


def _said(line: str) -> list[str]:
    """Return the words of an entry, without its number and the name of the list; none of a line that is no entry."""
    words = re.split(r"[!#]", line, maxsplit=1)[0].lower().split()
    if words[:1] == ["access-list"]:
        words = words[2:]
    if words[:2] == ["ip", "access-list"]:
        return []
    if words and words[0].isdigit():
        words = words[1:]
    return [] if words[:1] == ["remark"] else words


class _Words:
    """The words of a line, taken one after the other."""

    def __init__(self, where: str, words: list[str]) -> None:
        self._where, self._words = where, words

    def wrong(self, what: str) -> SettingsError:
        return SettingsError(f"{self._where}: {what}")

    def take(self, what: str) -> str:
        if not self._words:
            raise self.wrong(f"ends where {what} should be")
        return self._words.pop(0)

    def rest(self) -> list[str]:
        return self._words

    def address(self, side: str) -> str:
        word = self.take("an address")
        if word == "any":
            return ""
        if word == "host":
            return f"{side} host {self._ip(self.take('an address'))}"
        if "/" in word:
            address, _, length = word.partition("/")
            if not length.isdigit() or int(length) > 32:
                raise self.wrong(f"'{word}' is no network")
            return f"{side} net {self._ip(address)}/{length}"
        bits = int(IPv4Address(self._ip(self.take("a wildcard mask"))))
        if bits & (bits + 1):
            raise self.wrong("a wildcard mask whose ones are not all at its end")
        return f"{side} net {self._ip(word)}/{32 - bits.bit_length()}"

    def ports(self, side: str) -> str:
        if not self._words or self._words[0] not in {*COMPARISONS, "range"}:
            return ""
        word = self._words.pop(0)
        if word == "range":
            return f"{side} port {self._port()}-{self._port()}"
        ports = [self._port()]
        while word in {"eq", "neq"} and self._words and _NUMBER.fullmatch(self._words[0]):
            ports.append(self._port())
        if word in {"eq", "neq"}:
            text = f"{side} port ({' or '.join(ports)})"
            return text if word == "eq" else f"not {text}"
        return f"{side} port {word} {ports[0]}"

    def _port(self) -> str:
        word = {"www": "http"}.get(text := self.take("a port"), text)
        if not (_NUMBER.fullmatch(word) and int(word) < 65536) and not _NAME.fullmatch(word):
            raise self.wrong(f"'{word}' is no port")
        return word

    def _ip(self, text: str) -> str:
        try:
            return str(IPv4Address(text))
        except ValueError:
            raise self.wrong(f"'{text[:60]}' is no IPv4 address") from None
