"""What was lost, by cause: messages, and the records and packets in them."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Cause(Enum):
    """Why a message is not delivered."""

    BEHIND = "behind"  # the disk could not keep up, and the queue in memory was full
    FULL = "full"  # the spool held as much as it may
    DISK = "disk"  # the disk refused to take it
    DAMAGED = "damaged"  # it came back from the disk other than it was
    REFUSED = "refused"  # the brokers will never take it


class Losses:
    """Counts of messages, records and packets."""

    def __init__(self, counts: dict[str, list[int]] | None = None) -> None:
        known = counts or {}
        self._counts: dict[Cause, list[int]] = {cause: [*known.get(cause.value, ()), 0, 0, 0][:3] for cause in Cause}

    def add(self, cause: Cause, messages: int, records: int = 0, packets: int = 0) -> None:
        """Count a loss."""
        count = self._counts[cause]
        count[0] += messages
        count[1] += records
        count[2] += packets

    def messages(self, cause: Cause) -> int:
        """Return how many messages were lost for one cause."""
        return self._counts[cause][0]

    def as_json(self) -> dict[str, list[int]]:
        """Return what the constructor takes."""
        return {cause.value: list(count) for cause, count in self._counts.items() if any(count)}

    def named(self) -> dict[str, int]:
        """Return each count under a name such as dropped_full_records."""
        units = ("messages", "records", "packets")
        return {
            f"dropped_{cause.value}_{unit}": number
            for cause, count in self._counts.items()
            for unit, number in zip(units, count, strict=True)
        }


def losses_from(parsed: Any) -> Losses:  # noqa: ANN401 - whatever JSON held
    """Return losses out of a checkpoint; none when it says something else."""
    if not isinstance(parsed, dict):
        return Losses()
    return Losses({k: v for k, v in parsed.items() if isinstance(v, list) and all(isinstance(n, int) for n in v)})
