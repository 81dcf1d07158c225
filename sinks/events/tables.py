"""Events in a database, each once however often it arrives: its key tells, and an event never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinks.events.layout import rows, tables
from sinks.sql.keyed import Row, open_keyed_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from topics.events import EventRecord


class EventDatabase:
    """The database at `duckdb:///FILE`, `FILE.duckdb` or `postgresql://...`, its tables made where they are not there.

    Raises UsageError for another kind of address, DatabaseError when the database refuses.
    """

    def __init__(self, address: str) -> None:
        self._database = open_keyed_tables(address, "events", tables)
        self.records = 0

    def write(self, events: Sequence[tuple[EventRecord, bytes]]) -> None:
        """Write events, all or none."""
        found: dict[str, list[Row]] = {}
        for event, _ in events:
            for table, held in rows(event):
                found.setdefault(table, []).extend(held)
        self._database.insert({table: held for table, held in found.items() if held})
        self.records += len(events)

    def close(self) -> None:
        """Leave the database."""
        self._database.close()
