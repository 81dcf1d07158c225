"""Times with wildcards in a zone of their own: what they stand for is known before other zones are asked about."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Self

from topics.timerange import TimeRange


@dataclass(frozen=True, slots=True)
class ZonedRange(TimeRange):
    """A range whose wildcards were expanded where local time was that of `zone`, for all flows that there are."""

    zone: str = ""
    # Not compared: within flows that were there then, the same text in the same zone has the same spans.
    expanded: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def of(cls, times: TimeRange, zone: str, spans: list[tuple[int, int]]) -> Self:
        """Return a range with the spans (start, end; ns) that it stands for."""
        said = {each.name: getattr(times, each.name) for each in fields(TimeRange)}
        return cls(**said, zone=zone, expanded=tuple(spans))

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return the spans that overlap a time from `first` to `last`, in order."""
        return [(start, end) for start, end in self.expanded if start <= last and end >= first]
