"""Wireless interfaces: /proc/net/wireless, and what `airport -s` lists."""

from __future__ import annotations

import re
from typing import Any

from probes.events.parsing.text import UnreadableError, fraction, number, short

Body = dict[str, Any]
MOST_LINKS = 500
_PROC = re.compile(r"\s*(\S+): +\w+ +(\S+) +(\S+) +(\S+)((?: +\d+)+)")
_AIRPORT = re.compile(r"\s*(.*?) ((?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2}) +(-?\d+) +([\d,+-]+) ", re.IGNORECASE)


def parse_wifi(text: str) -> Body:
    """Read /proc/net/wireless or the list of `airport -s`."""
    links = []
    lines = text.splitlines()[:MOST_LINKS]
    for line in lines:
        if found := _PROC.match(line):
            quality, signal, noise = (fraction(word) for word in found.groups()[1:4])
            discarded = sum(number(word) for word in found[5].split()[:5])
            links.append(_link(found[1], "", "", (quality, signal, noise), discarded))
        elif found := _AIRPORT.match(line):
            links.append(_link("", f"{found[1]} {found[2]}".strip(), found[4], (0.0, fraction(found[3]), 0.0), 0))
    if not links and not any("face |" in line or "SSID" in line for line in lines):
        raise UnreadableError("no wireless interfaces")
    return {"links": links}


def _link(interface: str, station: str, channel: str, levels: tuple[float, float, float], discarded: int) -> Body:
    return {
        "interface": short(interface, 64),
        "station": short(station, 128),
        "channel": short(channel, 32),
        "quality": levels[0],
        "signal": levels[1],
        "noise": levels[2],
        "discarded": discarded,
    }
