"""Log lines of the probe, one `key=value` line each: to standard error, a file, or the system's log."""

from __future__ import annotations

import logging
import sys
import syslog
from typing import TYPE_CHECKING, TextIO

import structlog

from topics.errors import OutputError

if TYPE_CHECKING:
    from probes.settings import Settings

SYSLOG = "syslog"


class SystemLog:
    """Takes what structlog has rendered, by severity."""

    def __init__(self) -> None:
        syslog.openlog("argosy-probe", syslog.LOG_PID, syslog.LOG_DAEMON)

    def error(self, line: str) -> None:
        """Log at the severity of the same name, as the three that follow."""
        syslog.syslog(syslog.LOG_ERR, line)

    def warning(self, line: str) -> None:
        """Log a warning."""
        syslog.syslog(syslog.LOG_WARNING, line)

    def info(self, line: str) -> None:
        """Log information."""
        syslog.syslog(syslog.LOG_INFO, line)

    def debug(self, line: str) -> None:
        """Log details."""
        syslog.syslog(syslog.LOG_DEBUG, line)


def configure(settings: Settings) -> None:
    """Send log lines where the settings say: to a file, which is opened anew, to the system, or to standard error.

    Raises OutputError for a file that cannot be written; lines go on where they went then.
    """
    destination = settings.log or (SYSLOG if settings.daemon else "")
    level = logging.getLevelName(settings.log_level.upper())
    if destination == SYSLOG:
        to_system = SystemLog()
        structlog.configure(
            processors=[structlog.processors.LogfmtRenderer(key_order=["event"])],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=lambda *_: to_system,
        )
        return
    stream = _open(destination) if destination else None
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(stream or sys.stderr),
    )


def _open(path: str) -> TextIO:
    try:
        return open(path, "a", encoding="utf-8", buffering=1)  # noqa: PTH123 - open until nothing writes to it
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from error
