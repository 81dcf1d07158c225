"""Where the status of the probe itself goes: to the bus where records go there, else to a file beside theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from sinks.formats.destination import writing_to
from sinks.formats.names import DASH
from topics.errors import BusError
from topics.probe_status import encode_probe_status, partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack

    from clients.sensor.bus import Bus
    from probes.settings import Settings
    from topics.probe_status import ProbeStatus

SUFFIX = ".status.jsonl"
log = structlog.get_logger()


def open_notices(settings: Settings, buses: Iterable[Bus], stack: ExitStack) -> list[Callable[[ProbeStatus], None]]:
    """Return what takes each status; `stack` closes it. Raises OutputError for a file that cannot be written."""
    takers = [_to_bus(bus, settings) for bus in buses]
    if name := status_file(settings):
        takers.append(_to_file(name, stack))
    return [taker for taker in takers if taker is not None]


def status_file(settings: Settings) -> str:
    """Return the name of the file, empty when none is written."""
    return settings.status or beside(settings, SUFFIX)


def beside(settings: Settings, suffix: str) -> str:
    """Return the name of a file beside the first regular one that records go to, empty when there is none."""
    for output in settings.outputs:
        path = Path(output.to)
        if not output.is_bus and output.to != DASH and (path.is_file() or not path.exists()):
            return output.to + suffix
    return ""


def _to_file(name: str, stack: ExitStack) -> Callable[[ProbeStatus], None]:
    with writing_to(name):
        file = Path(name).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - the stack closes it
    stack.callback(file.close)

    def take(status: ProbeStatus) -> None:
        with writing_to(name):
            file.write(status.json_line)

    return take


def _to_bus(bus: Bus, settings: Settings) -> Callable[[ProbeStatus], None] | None:
    topic = settings.status_topic
    try:
        partition = partition_of(settings.site, settings.probe, bus.partitions(topic))
    except BusError as error:
        log.warning("probe status is not published", reason=str(error))
        return None

    def take(status: ProbeStatus) -> None:
        bus.post(topic, encode_probe_status(status), partition, important=True)

    return take
