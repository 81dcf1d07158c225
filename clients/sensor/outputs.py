"""Where the records of a probe go: files, a pipe and the bus, each with the filter that says which."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from clients.sensor.bus import open_bus
from clients.sensor.events import open_events
from clients.sensor.mirroring import Mirroring
from clients.sensor.notices import open_notices, status_file
from clients.sensor.payloads import open_payloads
from topics import filter as filters
from topics.batch import last_times
from topics.errors import OutputError
from topics.metrics import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    import polars as pl

    from clients.sensor.bus import Bus
    from probes.settings import Output, Settings
    from topics.batch import FlowBatch
    from topics.control import ControlBatch
    from topics.probe_status import ProbeStatus
    from topics.spans import SpanFinding


NANOSECONDS = 1_000_000_000


class Outputs:
    """All outputs of a probe; a context manager, opened on entering.

    Raises OutputError, UsageError or BusError for one that cannot be had or written.
    """

    def __init__(self, settings: Settings, *, live: bool) -> None:
        self._settings, self._live = settings, live
        self._stack = ExitStack()
        self._outputs: list[tuple[Any, pl.Expr | None]] = []
        self._abandoned = False
        self._notices: list[Callable[[ProbeStatus], None]] = []
        self._buses: list[Bus] = []
        self._control: list[Callable[[ControlBatch], None]] = []
        self._events: list[Callable[[bytes], None]] = []
        self._told = 0
        self._mirroring = Mirroring(settings.spans_topic)
        self._filters = [filters.compile(output.filter) for output in settings.outputs]

    def write(self, batch: FlowBatch) -> None:
        """Give a batch to every output that wants its records."""
        begun = time.perf_counter()
        if len(batch) and self._live:
            newest = int(last_times(batch.records).max())
            table.PACKET_AGE.observe(time.time() - newest / NANOSECONDS, "reported")
        self._mirroring.look_at(batch, self._buses)
        for take, wanted in self._outputs:
            part = batch if wanted is None or not len(batch) else selected(batch, wanted)
            if len(part) or not len(batch):
                take(part)
        if len(batch):
            table.BATCH_SECONDS.observe(time.perf_counter() - begun, "write")

    def notice(self, status: ProbeStatus) -> None:
        """Give a status of the probe to whatever takes it."""
        for take in self._notices:
            take(status)

    def control(self, batch: ControlBatch) -> None:
        """Give payloads of the control plane to whatever takes them."""
        for take in self._control:
            take(batch)

    def event(self, message: bytes) -> None:
        """Give the message of an event to whatever takes it."""
        self._told += 1
        for take in self._events:
            take(message)

    def counts(self) -> dict[str, int]:
        """Return what the ways to the bus counted, by name, and how many events there were."""
        counts = {"events": self._told} if self._told else {}
        for bus in self._buses:
            for name, count in bus.counts().items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def findings(self) -> list[SpanFinding]:
        """Return what was found about mirror ports and holds still. For any thread."""
        return list(self._mirroring.raised.values())

    @property
    def trouble(self) -> str:
        """What keeps messages from the brokers now, empty when nothing does."""
        return "; ".join(bus.trouble for bus in self._buses if bus.trouble)

    def abandon(self) -> None:
        """Let no file appear in the end, there being nothing to put in it."""
        self._abandoned = True
        if name := status_file(self._settings):
            Path(name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for output, wanted in zip(self._settings.outputs, self._filters, strict=True):
                self._outputs.append((self._open(stack, output), wanted))
            self._notices = open_notices(self._settings, self._buses, stack)
            self._control = open_payloads(self._settings, self._buses, stack) if self._settings.control else []
            if (self._settings.events or self._settings.argus) and self._live:
                self._events = open_events(self._settings, self._buses, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._abandoned and error is None:
            kind, error = OutputError, OutputError("nothing was read")
        self._stack.__exit__(kind, error, trace)

    def _open(self, stack: ExitStack, output: Output) -> Any:  # noqa: ANN401 - what takes a batch
        if output.is_bus:
            number = len(self._buses) + 1
            bus = open_bus(output.to, self._settings, stack, number=number, live=self._live)
            self._buses.append(bus)
            return bus.publish
        from sinks.formats import open_writer

        writer = stack.enter_context(open_writer(output.to))

        def take(batch: FlowBatch) -> None:
            if len(batch):
                writer.write(batch)

        return take


def selected(batch: FlowBatch, wanted: pl.Expr) -> FlowBatch:
    """Return the records of a batch for which a compiled filter is true."""
    import polars as pl

    from topics.frame import to_arrow

    frame = pl.from_arrow(to_arrow(batch))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch with columns is never a series
    mask = frame.select(wanted.fill_null(value=False).alias("wanted"))["wanted"].to_numpy()
    return batch.select(mask if len(mask) == len(batch) else mask.repeat(len(batch)))
