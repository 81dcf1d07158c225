"""Where payloads of the control plane go: to the bus where records go there, else to a file beside theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.sensor.notices import beside
from sinks.formats.control import SUFFIX, ControlWriter
from topics.definitions import MESSAGE_BYTES
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack

    from clients.sensor.bus import Bus
    from probes.settings import Settings
    from topics.control import ControlBatch


def open_payloads(settings: Settings, buses: Iterable[Bus], stack: ExitStack) -> list[Callable[[ControlBatch], None]]:
    """Return what takes each batch; `stack` closes it.

    Raises UsageError when there is no place for payloads, OutputError or BusError for one that cannot be had.
    """
    takers = [_to_bus(bus, settings.control_topic) for bus in buses]
    if name := beside(settings, SUFFIX):
        takers.append(stack.enter_context(ControlWriter(name)).write)
    if not takers:
        raise UsageError("option -C writes beside -w FILE or to -w kafka://HOST:PORT; a pipe has no room for payloads")
    return takers


def _to_bus(bus: Bus, topic: str) -> Callable[[ControlBatch], None]:
    from topics.control import encode_control_messages, split_control

    partitions = bus.partitions(topic)
    sequences = dict.fromkeys(range(partitions), 0)

    def take(batch: ControlBatch) -> None:
        for part in split_control(batch, partitions):
            numbered = part.replace(sequence=sequences[part.partition])
            messages = encode_control_messages(numbered, MESSAGE_BYTES)
            sequences[part.partition] += len(messages)
            for message in messages:
                bus.post(topic, message, part.partition, important=False)

    return take
