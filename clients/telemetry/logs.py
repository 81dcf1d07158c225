"""Log lines, one for each thing that an operator would act on: text or JSON, to standard error, a file or the system.

Text is `key=value` with time, severity and event first, a line each; JSON is an object a line with the same keys.
"""

from __future__ import annotations

import logging
import sys
import syslog
from typing import TYPE_CHECKING, NamedTuple, TextIO

import structlog

from topics.errors import OutputError
from topics.metrics.table import LOG_LINES

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

SYSLOG, JSON, TEXT = "syslog", "json", "text"
LEVELS, FORMATS = ("error", "warning", "info", "debug"), (TEXT, JSON)
FIRST = ["timestamp", "level", "event"]


class LogSettings(NamedTuple):
    """Where lines go (a file, `syslog`, or standard error when empty), from which severity on, and how they look."""

    to: str = ""
    level: str = "info"
    format: str = TEXT


class SystemLog:
    """Takes what structlog has rendered, by severity."""

    def __init__(self, program: str) -> None:
        syslog.openlog(f"argosy-{program}", syslog.LOG_PID, syslog.LOG_DAEMON)

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


def configure(program: str, settings: LogSettings) -> None:
    """Send log lines where the settings say; a file is opened anew.

    Raises OutputError for a file that cannot be written; lines go on where they went then.
    """
    level = logging.getLevelName(settings.level.upper())
    if settings.to == SYSLOG:
        to_system = SystemLog(program)
        structlog.configure(
            processors=[_count, _renderer(settings.format, ["event"])],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=lambda *_: to_system,
        )
        return
    stream = _open(settings.to) if settings.to else None

    def name(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["program"] = program
        return event

    processors: list[Processor] = [_count, structlog.processors.add_log_level]
    processors += [structlog.processors.TimeStamper(fmt="iso", utc=True)]
    processors += [name] if settings.format == JSON else []
    structlog.configure(
        processors=[*processors, _renderer(settings.format, FIRST)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(stream or sys.stderr),
    )


def _count(_logger: object, method: str, event: EventDict) -> EventDict:
    LOG_LINES.add(1, method)
    return event


def _renderer(kind: str, first: list[str]) -> Processor:
    if kind == JSON:
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.processors.LogfmtRenderer(key_order=first, bool_as_flag=False)


def _open(path: str) -> TextIO:
    try:
        return open(path, "a", encoding="utf-8", buffering=1)  # noqa: PTH123 - open until nothing writes to it
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from error
