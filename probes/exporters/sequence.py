"""Sequence numbers of exporters: what never came is counted, what came late is taken back from it."""

from __future__ import annotations

ROUND = 1 << 32
RESTART = 1 << 20  # a step that large is no loss but another beginning
LATE = 1 << 14
MOST_LATE = 16  # in a row: then the exporter began anew a little before


class Sequence:
    """Follows the sequence numbers of one stream of messages; `lost` is in their unit, records or datagrams."""

    __slots__ = ("_before", "_expected", "_late", "_others", "late", "lost", "restarts", "unit")

    def __init__(self) -> None:
        self.unit = "records"
        self._expected: int | None = None
        self._before = self._others = 0
        self._late = 0
        self.lost = self.late = self.restarts = 0

    def take(self, number: int, units: int | None, others: int = 0) -> None:
        """Take the number of a message that holds so many units, None when that is not known.

        The number is that of the units before the message (RFC 7011, section 3.1); some exporters have those of the
        message in it, and some do not count those that are `others`: records of options.
        """
        if self._expected is not None and not self._continues(number, units, others):
            ahead = _ahead(number, self._expected)
            if -LATE <= ahead < 0 and self._late < MOST_LATE:
                self._late += 1
                self.late += 1
                self.lost = max(0, self.lost - (units or 0))
                return
            if 0 < ahead < RESTART:
                self.lost += ahead
            elif ahead:
                self.restarts += 1
        self._late, self._before, self._others = 0, number, others
        self._expected = None if units is None else (number + units) % ROUND

    def _continues(self, number: int, units: int | None, others: int) -> bool:
        """Say whether a number is the next one, whatever the exporter counts."""
        if -self._others <= _ahead(number, self._expected or 0) <= 0:
            return True
        return units is not None and units - others <= _ahead(number, self._before) <= units


def _ahead(number: int, other: int) -> int:
    return (number - other + ROUND // 2) % ROUND - ROUND // 2
