"""Events of a topic in files: each is named after the partition and offset it begins with.

A file that is written again, because its offsets were not committed, so takes the place of the one before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sinks.formats.events import EventWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from topics.events import EventRecord

SECOND = 1_000_000_000


class EventDirectory:
    """Files below a directory. Raises OutputError naming the file."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self.records = 0

    def write_from(self, partition: int, offset: int, events: Sequence[tuple[EventRecord, bytes]]) -> None:
        """Write events of one partition, the first of which is at `offset`, to a file."""
        day = datetime.fromtimestamp(events[0][0].started // SECOND, UTC).strftime("%Y-%m-%d")
        path = self._directory / day / f"events.{partition}.{offset:012d}.events"
        path.parent.mkdir(exist_ok=True)
        with EventWriter(str(path)) as writer:
            for _, message in events:
                writer.write(message)
        self.records += len(events)

    def close(self) -> None:
        """Do nothing: every file is closed when it is written."""
