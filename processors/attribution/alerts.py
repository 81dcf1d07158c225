"""Alerts by the community id of their flow."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topics.events import EventRecord

MOST = 500_000
MOST_ALERTS = 32
GRACE = 60_000_000_000  # ns that the clock of a detection system may differ, or its alert come late


class AlertTable:
    """Signatures with their time by community id; `most` ids are kept, the oldest are forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._alerts: OrderedDict[str, list[tuple[int, int]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._alerts)

    def add(self, event: EventRecord) -> None:
        """Learn the alerts of an event."""
        if event.kind != "ids" or event.body is None:
            return
        for alert in event.body["alerts"]:
            if alert["community_id"]:
                known = self._alerts.setdefault(alert["community_id"], [])
                known.append((alert["time"] or event.started, alert["signature"]))
                del known[:-MOST_ALERTS]
        while len(self._alerts) > self._most:
            self._alerts.popitem(last=False)

    def signatures(self, community_id: str, first: int, last: int) -> list[int]:
        """Return the signatures of a flow that was seen between two times (ns), each once."""
        found = self._alerts.get(community_id, ())
        return sorted({signature for time, signature in found if first - GRACE <= time <= last + GRACE})
