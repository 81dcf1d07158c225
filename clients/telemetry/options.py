"""The options that all programs which run for long have in common, and what stands for them in the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clients.options import Option
from topics.environment import SHARED
from topics.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from clients.options import Parsed
    from clients.telemetry.logs import LogSettings

METRICS_OPTION = Option(
    "--metrics", "[HOST]:PORT", "metrics for Prometheus, /healthz and /readyz; on loopback unless a\nhost is named"
)
LOG_OPTIONS = (
    Option("--log", "FILE", "log lines there; syslog for the system's log (default:\nstandard error)"),
    Option("--log-level", "LEVEL", "the least severe to log: error, warning, info, debug (info)"),
    Option("--log-format", "text | json", "how lines look (text)"),
)
OPTIONS = (METRICS_OPTION, *LOG_OPTIONS)


def address(parsed: Parsed) -> str:
    """Return where to serve metrics, empty for nowhere: as the option says, else the environment."""
    return parsed.word("--metrics") or os.environ.get(SHARED["metrics"], "")


def log_settings(parsed: Parsed, level: str = "info") -> LogSettings:
    """Return how to log: as options say, else the environment, else by default; raises UsageError, SettingsError."""
    from clients.telemetry.logs import FORMATS, LEVELS, LogSettings

    return LogSettings(
        parsed.word("--log") or os.environ.get(SHARED["log"], ""),
        _one_of(LEVELS, parsed, "--log-level", SHARED["log_level"], level),
        _one_of(FORMATS, parsed, "--log-format", SHARED["log_format"], FORMATS[0]),
    )


def _one_of(words: tuple[str, ...], parsed: Parsed, option: str, variable: str, default: str) -> str:
    given = parsed.word(option)
    word = given or os.environ.get(variable) or default
    if word in words:
        return word
    known = ", ".join(words[:-1]) + f" or {words[-1]}"
    if given:
        raise UsageError(f"option {option} takes {known}, not '{word}'")
    raise SettingsError(f"{variable} should be {known}, not '{word}'")
