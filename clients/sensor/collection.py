"""The loop of a probe that takes the flow records of others: from sockets, or from captures of what was sent."""

from __future__ import annotations

import time
from contextlib import ExitStack
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import structlog

from clients.ending import heeding
from clients.sensor import logs
from clients.sensor.driver import identity_of
from clients.sensor.metrics import ProbeReadings
from clients.sensor.outputs import Outputs
from clients.sensor.privileges import drop, owner_of
from clients.sensor.sharing import Sharing
from clients.telemetry.server import serving
from probes.exporters.captured import CapturedExports
from probes.exporters.collector import Collector, CollectorSettings
from probes.exporters.listening import Listener
from probes.exporters.state import read_state, write_state
from probes.exporters.status import ExporterReporter
from probes.settings import NANOSECONDS
from topics.address_text import ip_text
from topics.errors import InputError, UsageError
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from probes.settings import Settings
    from topics.batch import FlowBatch

LOOP = "collecting"
WAIT = 0.1  # seconds that records wait to be decoded together
log = structlog.get_logger()


class Collection:
    """Moves what exporters send to the outputs; raises UsageError for options that do not go together."""

    def __init__(
        self, settings: Settings, again: Callable[[], Settings], clock: Callable[[], int] = time.time_ns
    ) -> None:
        if settings.interfaces:
            raise UsageError("option -i: packets and the flow records of others are the work of two probes")
        self.errors: list[InputError] = []
        self.live = not settings.files
        self.collector = Collector(collector_settings(settings, clock()))
        self._settings, self._again, self._clock = settings, again, clock
        identity = identity_of(settings)
        self.reporter = ExporterReporter(self.collector, settings.probe, identity, clock(), live=self.live)
        self._warned = 0
        self._remember()

    def run(self, ready: Callable[[], None]) -> None:
        """Run until the captures end, or a signal says so; `ready` is called when everything is open."""
        settings = self._settings
        logs.configure(settings)
        outputs = Outputs(settings, live=self.live)
        self.reporter.output = outputs.counts
        owner = owner_of(settings)
        with ExitStack() as stack:
            listener = self._listener(stack) if self.live else None
            drop(settings, owner, keep_raw=False)
            stack.enter_context(outputs)
            readings = ProbeReadings(settings, outputs, self.reporter.snapshot, self.reporter.snapshots)
            stack.enter_context(serving(settings.metrics, "probe", readings))
            sharing = Sharing(settings, self.collector, stack)
            VITALS.settle("sources", f"{len(settings.endpoints)} endpoints are open")
            ready()
            if listener:
                self._listen(listener, outputs, sharing)
            else:
                self._read(outputs)

    def _remember(self) -> None:
        """Read what exporters said before; a state that cannot be read is named and written anew."""
        if self._settings.exporter_state:
            try:
                read_state(self.collector, self._settings.exporter_state)
            except InputError as error:
                log.warning("state of exporters not read", reason=str(error))

    def _listener(self, stack: ExitStack) -> Listener:
        from probes.exporters.warm import warm_up

        listener = Listener(self._settings.endpoints, self.collector, self._clock)
        stack.callback(listener.close)
        warm_up()  # or what comes meanwhile fills the sockets
        listener.open()
        self.reporter.dropped = lambda: {"kernel_dropped": listener.dropped}
        log.info("listening", **{f"{kind}_{name}": port for (kind, name), port in listener.ports.items()})
        return listener

    def _listen(self, listener: Listener, outputs: Outputs, sharing: Sharing) -> None:
        with heeding(listener.stop, lambda: logs.configure(self._settings)):
            going = True
            while going:
                until = time.monotonic() + WAIT
                while going and not self.collector.work.full and (left := until - time.monotonic()) > 0:
                    going = listener.poll(left)
                now = self._clock()
                VITALS.turned(LOOP)
                sharing.listen()
                self._write(self.collector.decoded(now), outputs)
                self._write(self.collector.heartbeats(now), outputs)
                if self.reporter.due(now):
                    self._report(now, outputs)
            self._finish(self._clock(), outputs)

    def _read(self, outputs: Outputs) -> None:
        from probes.open_source import open_source

        source, exports = open_source(self._settings), CapturedExports(self._settings.endpoints)
        source.open()
        collector = self.collector
        with heeding(source.stop, lambda: logs.configure(self._settings)):
            for block in source:
                VITALS.turned(LOOP)
                for sent in exports.take(block):
                    if collector.work.full:
                        self._write(collector.decoded(), outputs)
                    if self.reporter.due(sent.time):
                        self._write(collector.decoded(), outputs)
                        self._report(sent.time, outputs)
                    collector.take(sent.kind, sent.sender, sent.data, sent.time)
            for sent in exports.flush():
                collector.take(sent.kind, sent.sender, sent.data, sent.time)
                self._write(collector.decoded(), outputs)
        collector.counts["truncated"] += exports.truncated
        collector.counts["broken_streams"] += exports.broken_streams
        self.errors = list(source.errors)
        self._finish(collector.clock, outputs)
        if self.errors and not collector.exporters:
            outputs.abandon()

    def _write(self, batches: Iterable[FlowBatch], outputs: Outputs) -> None:
        for batch in batches:
            outputs.write(batch)

    def _report(self, now: int, outputs: Outputs) -> None:
        for status in self.reporter.statuses(now):
            outputs.notice(status)
            lost = sum(status.dropped.values())
            if lost > self._warned:
                log.warning("datagrams were dropped", more=lost - self._warned, **status.dropped)
                self._warned = lost
        if self._settings.exporter_state:
            write_state(self.collector, self._settings.exporter_state)

    def _finish(self, now: int, outputs: Outputs) -> None:
        self._write(self.collector.finish(), outputs)
        for status in self.reporter.finish(now):
            outputs.notice(status)
        if self._settings.exporter_state:
            write_state(self.collector, self._settings.exporter_state)


def collector_settings(settings: Settings, boot_id: int) -> CollectorSettings:
    """Return what the collector has to know."""
    return CollectorSettings(
        site=settings.site,
        boot_id=boot_id,
        window=round(settings.pairing_window * NANOSECONDS),
        longest=round(settings.longest_record * NANOSECONDS),
        hold=round(settings.template_hold * NANOSECONDS),
        allowed=_allowed(settings.exporters),
    )


def _allowed(networks: tuple[str, ...]) -> Callable[[bytes], bool]:
    if not networks:
        return lambda _: True
    known = [ip_network(text, strict=False) for text in networks]
    return lambda address: any(ip_address(ip_text(address)) in network for network in known)
