"""Sequence numbers of exporters: what never came is counted, what came late is taken back from it."""

from __future__ import annotations

ROUND = 1 << 32
RESTART = 1 << 20  # a step that large is no loss but another beginning
LATE = 1 << 14
MOST_LATE = 16  # in a row: then the exporter began anew a little before


class Sequence:
    """Follows the sequence numbers of one stream of messages; `lost` is in their unit, records or datagrams."""

    __slots__ = ("_before", "_expected", "_late", "late", "lost", "restarts", "unit")

    def __init__(self) -> None:
        self.unit = "records"
        self._expected: int | None = None
        self._before = 0
        self._late = 0
        self.lost = self.late = self.restarts = 0

    def take(self, number: int, units: int | None) -> None:
        """Take the number of a message that holds so many units, None when that is not known.

        The number is that of the units before the message (RFC 7011, section 3.1), or those of the message are in it.
        """
        if self._expected is not None and (units is None or number != (self._before + units) % ROUND):
            ahead = (number - self._expected + ROUND // 2) % ROUND - ROUND // 2
            if -LATE <= ahead < 0 and self._late < MOST_LATE:
                self._late += 1
                self.late += 1
                self.lost = max(0, self.lost - (units or 0))
                return
            if 0 < ahead < RESTART:
                self.lost += ahead
            elif ahead:
                self.restarts += 1
        self._late, self._before = 0, number
        self._expected = None if units is None else (number + units) % ROUND
