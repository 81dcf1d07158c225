"""What came of asking a source, before anybody looks at what it means."""

from __future__ import annotations

from dataclasses import dataclass

from topics.events.record import FAILED, FLOODED, OK, TIMEOUT, UNREADABLE

__all__ = ["FAILED", "FLOODED", "MOST_ERRORS", "OK", "TIMEOUT", "UNREADABLE", "Answer"]

MOST_ERRORS = 4096  # bytes of standard error that are kept


@dataclass(frozen=True, slots=True)
class Answer:
    """Output and errors of a source (bytes), how it went and, for a program, its exit status."""

    output: bytes = b""
    errors: bytes = b""
    status: str = OK
    reason: str = ""
    exit_status: int | None = None
    size: int = 0
