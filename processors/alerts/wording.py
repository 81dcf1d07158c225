"""Alerts in words: the subject, a line for people, and the question that shows the records."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from processors.access_lists import policy_filter
from topics.address_text import ip_text, mac_text
from topics.fields import field

if TYPE_CHECKING:
    from processors.alerts.hits import Evidence
    from processors.alerts.settings import Rule

Subject = tuple[tuple[str, str], ...]

MOST_SUMMARY = 1000
MAC_PREFIX = "00" * 10
SECOND = 1_000_000_000
FACTS = ("value", "limit", "count", "packets", "bytes", "note")  # what a summary may tell beside the subject
PLACE = re.compile(r"\{(\w+)\}")
_PLAIN = re.compile(r"[\w.:/*@-]+")


def subject_text(value: str | int) -> str:
    """Return an address of 16 bytes in hex as text; a MAC where there is no IP."""
    text = str(value)
    address = bytes.fromhex(text)
    is_mac = text.startswith(MAC_PREFIX) and any(address[10:14]) and address[10:12] != b"\xff\xff"
    return mac_text(address) if is_mac else ip_text(address)


def summary(rule: Rule, subject: Subject, value: float, limit: float, found: Evidence, note: str) -> str:
    """Return the line of an alert: that of the rule, with what stands in braces filled in."""
    numbers = (f"{each:,.10g}" for each in (value, limit))
    counts = (f"{each:,}" for each in (found.n, found.packets, found.bytes))
    words = dict(subject) | dict(zip(FACTS, (*numbers, *counts, note), strict=True))
    text = rule.summary or f"{rule.name}: {' '.join(each for _, each in subject)}"
    filled = PLACE.sub(lambda place: words.get(place[1], place[0]), text)
    return " ".join((filled if not note or "{note}" in text else f"{filled}; {note}").split())[:MOST_SUMMARY]


def query(rule: Rule, subject: Subject, found: Evidence) -> str:
    """Return the arguments of `argosy ra` that select the records; empty where they are no flows."""
    if rule.about != "records" or not found.first:
        return ""
    start = found.first // SECOND
    seconds = found.last // SECOND - start + 1
    match = policy_filter(rule.policy, rule.match) if rule.policy else rule.match
    if rule.sequence is not None:
        match = f"({match}) or ({rule.sequence.then})" if match else ""
    parts = [f"({match})"] if match else []
    parts += [_equal(name, value) for name, value in subject]
    return f"-t {start}+{seconds}s - {shlex.quote(' and '.join(parts))}"


def _equal(name: str, value: str) -> str:
    if field(name).format.holds == "text" and not _PLAIN.fullmatch(value):
        return f'{name} ~ "^{re.escape(value)}$"'
    return f"{name} = {value}"
