"""Alerts by the community id of their flow."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topics.events import EventRecord

MOST = 500_000
MOST_ALERTS = 32
ANY = bytes(16)
GRACE = 60_000_000_000  # ns that the clock of a detection system may differ, or its alert come late


class AlertTable:
    """Signatures with their time by community id; `most` ids are kept, the oldest are forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._alerts: OrderedDict[str, list[tuple[int, int]]] = OrderedDict()
        self._sources: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._alerts)

    def __contains__(self, address: bytes) -> bool:
        return address in self._sources or ANY in self._sources  # one without addresses may be about any flow

    def add(self, event: EventRecord) -> None:
        """Learn the alerts of an event."""
        if event.kind != "ids" or event.body is None:
            return
        for alert in event.body["alerts"]:
            if alert["community_id"]:
                known = self._alerts.setdefault(alert["community_id"], [])
                known.append((alert["time"] or event.started, alert["signature"]))
                del known[:-MOST_ALERTS]
                self._sources.add(alert["source"])
        while len(self._alerts) > self._most:
            self._alerts.popitem(last=False)
        if len(self._sources) > self._most:
            self._sources = {ANY}

    def signatures(self, community_ids: list[str], first: int, last: int) -> list[int]:
        """Return the signatures of a flow of these ids that was seen between two times (ns), each once."""
        found = [alert for each in community_ids for alert in self._alerts.get(each, ())]
        return sorted({signature for time, signature in found if first - GRACE <= time <= last + GRACE})
