"""Access lists as routers have them, standard and extended, numbered and named: entries as filters of flows."""

from __future__ import annotations

import functools
import re
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from topics.errors import SettingsError

MOST_LINES = 500
COMPARISONS = {"eq": "=", "neq": "!=", "gt": ">", "lt": "<"}
PROTOCOLS = {"ip": "", "ipv4": ""} | {name: name for name in ("tcp", "udp", "icmp", "gre", "esp", "igmp")}
MESSAGES = {
    "echo": "state = ECO",
    "echo-reply": "state = ECR",
    "unreachable": 'state ~ "^UR"',
    "time-exceeded": "state = TXD",
    "ttl-exceeded": "state = TXD",
    "redirect": "state = RED",
}
_HEADING = re.compile(
    r"access-list (?P<number>\S+)|ip access-list (?P<kind>standard|extended) (?P<name>\S+)", re.IGNORECASE
)
_NUMBER = re.compile(r"\d{1,5}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Entry(NamedTuple):
    """One line that permits or denies: its number in the file, the list it is of, what it selects, its text."""

    line: int
    name: str
    permits: bool
    logs: bool
    filter: str
    text: str


@functools.lru_cache(256)
def policy_filter(path: str, match: str = "") -> str:
    """Return the filter for flows that an access list does not permit, of those that `match` selects.

    A flow is judged by the first line that it meets, as it was begun; what no line says is denied. Raises SettingsError
    naming file and line.
    """
    denied = "ip"
    for entry in reversed(read_access_list(path)):
        joint = "and not" if entry.permits else "or"  # both bind alike, from left to right
        denied += f" {joint} ({entry.filter})"
    return f"({match}) and ({denied})" if match else denied


def read_access_list(path: str) -> list[Entry]:
    """Return the entries of a file, all of its lists in order as one; raises SettingsError naming file and line."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    if len(lines) > MOST_LINES:
        raise SettingsError(f"{path}: {len(lines)} lines, more than {MOST_LINES}")
    entries, name, standard = list[Entry](), "", False
    for number, line in enumerate(lines, 1):
        where = f"{path}: line {number}"
        heading = _HEADING.match(line.strip())
        if heading is not None:
            name, standard = heading["name"] or heading["number"], _is_standard(heading)
        words = _said(line)
        if words:
            entry = _entry(_Words(where, words), standard=standard)
            entries.append(entry._replace(line=number, name=name, text=" ".join(line.split())))
    return entries


def _is_standard(heading: re.Match[str]) -> bool:
    if heading["kind"]:
        return heading["kind"].lower() == "standard"
    return heading["number"].isdigit() and (int(heading["number"]) < 100 or 1300 <= int(heading["number"]) < 2000)


def _entry(reader: _Words, *, standard: bool) -> Entry:
    """Return what a line says."""
    action = reader.take("permit or deny")
    if action not in {"permit", "deny"}:
        raise reader.wrong(f"'{action}' is neither permit nor deny")
    parts = [reader.address("src", alone=True)] if standard else _extended(reader)
    words = reader.rest()
    if not standard and "established" in words:
        parts.append("est")
    for word in words:
        if word not in {"log", "log-input"} and (standard or word != "established"):
            raise reader.wrong(f"'{word}' is not understood")
    text = " and ".join(part for part in parts if part) or "ip"
    return Entry(0, "", action == "permit", bool({"log", "log-input"} & set(words)), text, "")


def _extended(reader: _Words) -> list[str]:
    protocol = reader.take("a protocol")
    if protocol not in PROTOCOLS and not _NUMBER.fullmatch(protocol):
        raise reader.wrong(f"unknown protocol '{protocol}'")
    parts = [PROTOCOLS.get(protocol, f"proto {protocol}")]
    for side in ("src", "dst"):
        parts += [reader.address(side), reader.ports(side)]
    return [*parts, reader.message() if protocol == "icmp" else ""]


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

    def address(self, side: str, *, alone: bool = False) -> str:
        """Return the filter of an address; one `alone` may do without a wildcard mask."""
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
        if alone and not (self._words and self._words[0][0].isdigit()):
            return f"{side} host {self._ip(word)}"
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

    def message(self) -> str:
        """Return the filter of a message of ICMP, by the state of the flow."""
        return MESSAGES[self._words.pop(0)] if self._words and self._words[0] in MESSAGES else ""

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
