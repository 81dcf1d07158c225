"""What a consumer tells of itself: messages, bytes, how far behind it is, and that it still asks for more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from topics.metrics import table
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LOOK_SECONDS = 1.0
log = structlog.get_logger()


class Consumption:
    """The metrics and vitals of one consumer, of a topic as a member of a group (empty: of none).

    Times are in seconds since the epoch, but for `clock`, which only tells when to look again.
    """

    def __init__(
        self,
        topic: str,
        group: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._labels = topic, group
        self._loop = f"reading {topic}" + (f" as {group}" if group else "")
        self._clock, self._now = clock, now
        self._looked = 0.0
        self._times: dict[int, float] = {}
        table.PAUSED.set(0.0, topic, group)
        table.DEAD_LETTERS.add(0, topic, group)  # so that the first one is seen to be one more
        VITALS.needs(self._loop)

    def assigned(self, partitions: Sequence[int]) -> None:
        """Note which partitions are read."""
        table.PARTITIONS.set(len(partitions), *self._labels)
        VITALS.settle(self._loop, f"partitions {_ranges(partitions)}" if partitions else "standing by")
        self._say("info", "assigned", partitions=_ranges(partitions))
        self._times = {number: time for number, time in self._times.items() if number in partitions}

    def revoked(self) -> None:
        """Note that the group shares its partitions out anew."""
        table.PARTITIONS.set(0, *self._labels)
        VITALS.settle(self._loop, "the group shares its partitions out anew", ok=False)
        self._say("info", "revoked")

    def away(self, reason: str) -> None:
        """Note that the brokers do not answer; nothing when they do again."""
        if reason:
            VITALS.settle(f"{self._loop}: brokers", reason, ok=False)
            self._say("warning", "the brokers do not answer", reason=reason)
        else:
            VITALS.forget(f"{self._loop}: brokers")
            self._say("warning", "the brokers answer again")

    def turned(self) -> None:
        """Say that more was asked for."""
        VITALS.turned(self._loop)

    def came(self, partition: int, size: int, published: float) -> None:
        """Count a message of a partition, of so many bytes, published at a time."""
        table.CONSUMED_MESSAGES.add(1, *self._labels)
        table.CONSUMED_BYTES.add(size, *self._labels)
        self._times[partition] = published

    def refused(self, partition: int, offset: int, reason: str) -> None:
        """Count a message that could not be read."""
        table.DEAD_LETTERS.add(1, *self._labels)
        self._say("warning", "message not understood", partition=partition, offset=offset, reason=reason)

    def paused(self, paused: bool) -> None:  # noqa: FBT001 - the state itself
        """Note whether nothing is read for now."""
        table.PAUSED.set(float(paused), *self._labels)

    def is_due(self) -> bool:
        """Whether it is time to tell how far behind the consumer is."""
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        return True

    def behind(self, lag: dict[int, int]) -> None:
        """Tell how many messages of each partition were not read yet."""
        topic, group = self._labels
        table.LAG_MESSAGES.replace({(topic, group, str(number)): count for number, count in lag.items()}, topic, group)
        late = [self._times[number] for number, count in lag.items() if count and number in self._times]
        table.LAG_SECONDS.set(max(0.0, self._now() - min(late)) if late else 0.0, topic, group)

    def left(self) -> None:
        """Note that nothing is read any more."""
        topic, group = self._labels
        VITALS.ended(self._loop)
        VITALS.forget(self._loop)
        VITALS.forget(f"{self._loop}: brokers")
        table.LAG_MESSAGES.replace({}, topic, group)
        table.PARTITIONS.set(0, topic, group)

    def _say(self, level: str, event: str, **details: object) -> None:
        """Log a line, for programs that have said where lines go; others would find them in their output."""
        if structlog.is_configured():
            topic, group = self._labels
            getattr(log, level)(event, topic=topic, group=group or "none", **details)


def _ranges(numbers: Iterable[int]) -> str:
    """Return numbers as people write them: 0-3, 5."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
