"""The loop of the probe: blocks in, records, status and payloads out, until the source ends or a signal says so."""

from __future__ import annotations

import re
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from clients.ending import heeding
from probes.sensor import Sensor
from probes.settings import NANOSECONDS, Settings, reloadable
from probes.status import Identity, StatusReporter
from topics.errors import ArgosyError
from topics.metrics import table
from topics.metrics.vitals import VITALS
from topics.probe_status import ProbeStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from clients.sensor.outputs import Outputs
    from probes.capture.packets import PacketBlock
    from probes.control.plane import ControlPlane
    from probes.events.runner import EventRunner
    from probes.flows.probe import ProbeSettings
    from probes.source import PacketSource

LOOP = "observing"
TICK = NANOSECONDS  # how often a live probe hands out what waits, ns
LEFT_OUT = frozenset({"filtered", "out_of_range"})  # because somebody said so
LOST = re.compile("dropped_.*_records")
MOST_SEGMENTS = 100_000  # of TCP control traffic that are put in order a second, some 6 us each
log = structlog.get_logger()


def identity_of(settings: Settings) -> Identity:
    """Return what a status says about who writes it."""
    return Identity(version("argosy"), settings.digest, round(settings.probe_status_interval * NANOSECONDS))


def _control_plane(settings: Settings, flow_settings: ProbeSettings, *, live: bool) -> ControlPlane | None:
    if not settings.control:
        return None
    from probes.control.plane import ControlPlane
    from probes.control.streams import Limits

    limits = Limits(rate=MOST_SEGMENTS if live else 0)
    return ControlPlane(flow_settings, settings.control_protocols, settings.interface_names, limits)


class Driver:
    """Moves everything from the source to the outputs.

    `again` reads the settings anew, for SIGHUP; `log_anew` then follows those about the log. Time comes from `clock`
    (ns since the epoch), and only when live.
    """

    def __init__(
        self,
        settings: Settings,
        flow_settings: ProbeSettings,
        source: PacketSource,
        again: Callable[[], Settings],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.settings = settings
        self.source = source
        self.control = _control_plane(settings, flow_settings, live=source.live)
        protocols = self.control.protocols if self.control else None
        self.sensor = Sensor(flow_settings, settings.interface_names, protocols)
        self.reporter = StatusReporter(self.sensor, source, identity_of(settings), clock)
        if self.control:
            self.reporter.control = self.control.counts
        self.events: EventRunner | None = None
        self.log_anew: Callable[[Settings], None] = lambda _: None
        self._again, self._clock = again, clock
        self._hung_up = False
        self._next_tick = 0
        self._warned: dict[str, int] = {}
        self._troubled = False

    def run(self, outputs: Outputs) -> None:
        """Run to the end of the source; everything seen until then is reported."""
        with heeding(self.source.stop, self._hang_up):
            for block in self.source:
                VITALS.turned(LOOP)
                self._take(block, outputs)
                if self._hung_up:
                    self._hung_up = False
                    self.reload(outputs)
                if self.source.live:
                    self._tick(outputs)
            self._finish(outputs)

    def reload(self, outputs: Outputs) -> None:
        """Read the settings again and follow those that may change; say in the log which may not."""
        try:
            new = self._again()
        except ArgosyError as error:
            log.error("settings not reloaded", reason=str(error))  # noqa: TRY400 - the message names file and key
            return
        changed = [key for key in Settings.model_fields if getattr(new, key) != getattr(self.settings, key)]
        refused = [key for key in changed if key not in reloadable()]
        if refused:
            log.warning("settings that take a restart were left as they are", keys=",".join(refused))
        taken = [key for key in changed if key in reloadable()]
        self.settings = self.settings.model_copy(update={key: getattr(new, key) for key in taken})
        self._follow(taken, outputs)
        self._log_anew()
        log.info("settings reloaded", changed=",".join(taken) or "nothing")

    def _follow(self, keys: list[str], outputs: Outputs) -> None:
        """Let settings that changed take effect."""
        self.reporter.identity = identity_of(self.settings)
        if "control_protocols" in keys and self.control:
            for payloads in self.control.follow(self.settings.control_protocols):
                outputs.control(payloads)
            self.sensor.follow(self.control.protocols)

    def _log_anew(self) -> None:
        """Follow the level of the log, and its file where somebody has moved it away."""
        try:
            self.log_anew(self.settings)
        except ArgosyError as error:
            log.warning("log file not opened again", reason=str(error))

    def _hang_up(self) -> None:
        self._hung_up = True

    def _take(self, block: PacketBlock, outputs: Outputs) -> None:
        for piece in self.reporter.watch(block):
            if isinstance(piece, ProbeStatus):
                self._report(piece, outputs)
            else:
                begun, waited = time.perf_counter(), 0.0
                for batch in self.sensor.take(piece):
                    handing = time.perf_counter()
                    outputs.write(batch)
                    waited += time.perf_counter() - handing
                if len(piece.packets):
                    table.BATCH_SECONDS.observe(time.perf_counter() - begun - waited, "observe")
                for payloads in self.control.take(piece, self.sensor.marks(piece)) if self.control else ():
                    outputs.control(payloads)

    def _tick(self, outputs: Outputs) -> None:
        """Hand out what became due while little came."""
        now = self._clock()
        if now < self._next_tick:
            return
        self._next_tick = now + TICK
        self._heed_trouble(outputs.trouble)
        for batch in self.sensor.due():
            outputs.write(batch)
        for lane in self.sensor.lanes.values():
            outputs.write(lane.probe.heartbeat())
        self._hand_out_events(outputs)

    def _hand_out_events(self, outputs: Outputs) -> None:
        if self.events:
            for _, message in self.events.take():
                outputs.event(message)
            self._warn("events were dropped", {"waiting": self.events.dropped})

    def _heed_trouble(self, trouble: str) -> None:
        """Say once when messages begin to wait for the brokers, and once when they go on."""
        if bool(trouble) != self._troubled:
            self._troubled = bool(trouble)
            if trouble:
                log.warning("the bus takes no messages, they wait on disk", reason=trouble)
            else:
                log.warning("the bus takes messages again")

    def _finish(self, outputs: Outputs) -> None:
        for batch in self.sensor.flush():
            outputs.write(batch)
        for payloads in self.control.flush() if self.control else ():
            outputs.control(payloads)
        if self.events:
            self.events.stop()
            self._hand_out_events(outputs)
        for status in self.reporter.finish():
            self._report(status, outputs)

    def _report(self, status: ProbeStatus, outputs: Outputs) -> None:
        outputs.notice(status)
        self._warn("packets were dropped", status.dropped, LEFT_OUT)
        lost = {name: count for name, count in status.output.items() if LOST.fullmatch(name)}
        self._warn("records were lost on the way to the bus", lost)
        self._say(status)

    def _warn(self, what: str, counts: Mapping[str, int], expected: Collection[str] = ()) -> None:
        """Say that a loss has grown since it was last said."""
        causes = {name: count for name, count in counts.items() if count and name not in expected}
        total = sum(causes.values())
        if total > self._warned.get(what, 0):
            log.warning(what, more=total - self._warned.get(what, 0), **causes)
            self._warned[what] = total

    def _say(self, status: ProbeStatus) -> None:
        write = log.info if status.cause != "status" else log.debug
        write(
            f"probe {status.cause}",
            probe=status.probe,
            packets=status.packets,
            flows=status.flows,
            active_flows=status.active_flows,
            records=status.records,
            evicted=status.evicted,
        )
