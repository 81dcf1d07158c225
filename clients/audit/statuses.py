"""The last words of probes: the latest status of each process, of those that were seeing packets at the time asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from topics.errors import InputError
from topics.probe_status import InterfaceStatus, ProbeStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

STATUS_FILE = "probe-status.jsonl"
FOREVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Which probes, by name (empty: all), and which time (ns)."""

    probe: str = ""
    since: int = 0
    until: int = FOREVER

    def takes(self, status: ProbeStatus) -> bool:
        """Whether a process is meant: what it saw lies at least partly within the time."""
        if self.probe not in ("", status.probe, *(each.probe for each in status.interfaces)):
            return False
        first, last = span(status)
        return first <= self.until and last >= self.since


def span(status: ProbeStatus) -> tuple[int, int]:
    """Return the times of the first and last packet of a process, ns."""
    seen = [each for each in status.interfaces if each.packets]
    return min((each.first for each in seen), default=status.time), max(
        (each.last for each in seen), default=status.time
    )


def latest(statuses: Iterable[ProbeStatus], choice: Choice) -> list[ProbeStatus]:
    """Return the last status of each process that is meant."""
    found: dict[tuple[str, str, int], ProbeStatus] = {}
    for status in statuses:
        key = status.site, status.probe, status.boot_id
        if key not in found or found[key].sequence <= status.sequence:
            found[key] = status
    return [status for status in found.values() if choice.takes(status)]


def read_file(path: Path) -> list[ProbeStatus]:
    """Return the statuses in a file of JSON lines; raises InputError naming the line."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'no text'}") from None
    for number, line in enumerate(lines, 1):
        try:
            values: dict[str, Any] = json.loads(line)
            interfaces = [InterfaceStatus(**each) for each in values["interfaces"]]
            found.append(ProbeStatus(**values | {"interfaces": interfaces}))
        except (ValueError, TypeError, KeyError):
            raise InputError(f"{path}: line {number} is no status of a probe") from None
    return found


def once(statuses: Iterable[ProbeStatus]) -> list[ProbeStatus]:
    """Leave out runs over the same packets: sinks keep their flows once."""
    return list({(each.site, each.probe, *span(each), each.packets): each for each in statuses}.values())
