"""Log lines of the probe, one `key=value` line each: to standard error, a file, or the system's log."""

from __future__ import annotations

import logging
import sys
import syslog
from typing import TextIO

import structlog

from topics.errors import OutputError

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


def configure(destination: str, level: str) -> None:
    """Send log lines of `level` and above to a file, to `syslog`, or to standard error when it is empty.

    Raises OutputError for a file that cannot be written.
    """
    renderer = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    if destination == SYSLOG:
        to_system = SystemLog()
        structlog.configure(
            processors=[structlog.processors.LogfmtRenderer(key_order=["event"])],
            wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
            logger_factory=lambda *_: to_system,
        )
        return
    stream = _open(destination) if destination else None
    structlog.configure(
        processors=[structlog.processors.add_log_level, stamp, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=lambda *_: structlog.WriteLogger(stream or sys.stderr),
    )


def _open(path: str) -> TextIO:
    try:
        return open(path, "a", encoding="utf-8", buffering=1)  # noqa: PTH123 - open as long as the process
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from error
