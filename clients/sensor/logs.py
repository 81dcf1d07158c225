"""Where log lines of a probe go: as its settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.telemetry.logs import SYSLOG, LogSettings
from clients.telemetry.logs import configure as configure_logs

if TYPE_CHECKING:
    from probes.settings import Settings


def configure(settings: Settings, program: str = "probe") -> None:
    """Send log lines where the settings say, to the system's log from the background.

    Raises OutputError for a file that cannot be written; lines go on where they went then.
    """
    to = settings.log or (SYSLOG if settings.daemon else "")
    configure_logs(program, LogSettings(to, settings.log_level, settings.log_format))
