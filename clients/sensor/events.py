"""Where events go: to the bus where records go there, else to a file beside theirs; and the sources behind them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clients.sensor.notices import beside
from sinks.formats.events import SUFFIX, EventWriter, LateEventWriter
from topics.errors import UsageError
from topics.events.codec import load_schema, partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack

    from clients.sensor.bus import Bus
    from probes.events.runner import EventRunner
    from probes.settings import Settings


def open_events(settings: Settings, buses: Iterable[Bus], stack: ExitStack) -> list[Callable[[bytes], None]]:
    """Return what takes each message of an event; `stack` closes it. Those of an argus need no place: it may have none.

    Raises UsageError when there is no place for events, OutputError or BusError for one that cannot be had.
    """
    load_schema()
    takers = [event_post(bus, settings) for bus in buses]
    if name := beside(settings, SUFFIX):
        if settings.events:
            takers.append(stack.enter_context(EventWriter(name)).write)
        else:
            takers.append(stack.enter_context(LateEventWriter(name)).write)
    if settings.events and not takers:
        raise UsageError("events go beside -w FILE or to -w kafka://HOST:PORT; a pipe has no room for them")
    return takers


def event_post(bus: Bus, settings: Settings) -> Callable[[bytes], None]:
    """Return what posts the message of an event, with the priority that events have; raises BusError."""
    topic = settings.events_topic
    partition = partition_of(settings.site, settings.probe, bus.partitions(topic))
    return lambda message: bus.post(topic, message, partition, important=True)


def event_runner(settings: Settings, boot_id: int) -> EventRunner:
    """Return the sources of the settings, not yet started; raises InputError for one that cannot listen."""
    from probes.events.runner import EventRunner

    return EventRunner(settings.events, site=settings.site, probe=settings.probe, boot_id=boot_id, clock=time.time_ns)
