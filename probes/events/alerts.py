"""Alerts as a detection system sends them to a socket, a line or a datagram each (`unix_stream` of Suricata)."""

from __future__ import annotations

from probes.events.answer import FLOODED, Answer
from probes.events.listener import Listener

LONGEST = 256 * 1024  # bytes of a line


class AlertListener(Listener):
    """Hears lines of alerts; those of an interval are an answer of at most `most` bytes, what is beyond is counted."""

    def __init__(self, addresses: list[tuple[str, str, int]], most: int) -> None:
        self._most = most
        self._lines = bytearray()
        super().__init__(addresses, LONGEST)

    def heard(self, data: bytes, _sender: str, _transport: str) -> None:
        """Take a line."""
        if len(self._lines) + len(data) >= self._most:
            self.dropped += 1
            return
        self._lines += data.rstrip(b"\n") + b"\n"

    def take(self) -> Answer | None:
        """Return what came; None when nothing did."""
        if not self._lines and not self.dropped:
            return None
        lines, dropped = bytes(self._lines), self.dropped
        self._lines.clear()
        self.dropped = 0
        if dropped:
            return Answer(
                lines, status=FLOODED, reason=f"{dropped} lines more than are taken at a time", size=len(lines)
            )
        return Answer(lines, size=len(lines))
