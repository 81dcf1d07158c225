"""`argosy probe --argus`: what running argus and radium send, to the outputs of a probe, under the names it has."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import ExitStack, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from clients.ending import heeding
from clients.sensor.metrics import ProbeReadings
from clients.sensor.outputs import Outputs
from clients.telemetry.server import serving
from probes.argus.address import parsed
from probes.argus.attachment import LOOK_SECONDS, Attachment
from probes.argus.events import ArgusEvents
from topics.argus import layout as at
from topics.argus.event import ArgusEvent
from topics.batch import END_OF_RUN, FlowBatch, last_times, packets_of
from topics.metrics import table
from topics.metrics.vitals import VITALS
from topics.probe_status import START, STATUS, STOP, ProbeStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.settings import Settings
    from topics.argus.management import Management

LOOP = "delivering"
NANOSECONDS = 1_000_000_000
MOST_WAITING = 64  # batches, management records and events between the sockets and the outputs
LATE = 60 * NANOSECONDS  # no record of an argus ends longer before those it has sent: the interval it hardly exceeds
HEARTBEAT_SECONDS = 1.0
CAUSES = {at.START: START, at.STATUS: STATUS, at.STOP: STOP, at.SHUTDOWN: STOP}
log = structlog.get_logger()


class Attached:
    """Follows all addresses of the settings until it is told to stop, or for `seconds`."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = time.time_ns) -> None:
        self._settings = settings
        self.boot_id = clock()
        self._waiting: queue.Queue[FlowBatch | Management | ArgusEvent] = queue.Queue(MOST_WAITING)
        self._events = ArgusEvents(settings.site, settings.probe, self.boot_id)
        self.attachments = [
            Attachment(parsed(text), settings.packet_filter, settings.site, self._put, self._put, self._put, self._say)
            for text in settings.argus
        ]
        self._stopped = threading.Event()
        self._last = 0
        self._counted: dict[str, tuple[int, int]] = {}
        self._boots: dict[str, int] = {}

    def stop(self) -> None:
        """Let `run` end soon, with all that came."""
        self._stopped.set()
        for attachment in self.attachments:
            attachment.stop()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Move everything from the sockets to the outputs."""
        from clients.sensor import logs

        logs.configure(self._settings)
        threads = [threading.Thread(target=each.run, daemon=True) for each in self.attachments]
        settings = self._settings
        with ExitStack() as stack:
            outputs = stack.enter_context(Outputs(settings, live=True))
            stack.enter_context(serving(settings.metrics, "probe", ProbeReadings(settings, outputs)))
            stack.enter_context(heeding(self.stop, lambda: None))
            VITALS.settle("sources", f"{len(self.attachments)} attachments")
            ready()
            for thread in threads:
                thread.start()
            self.deliver(outputs, threads)

    def deliver(self, outputs: Outputs, threads: list[threading.Thread]) -> None:
        """Give what comes to the outputs until all threads have ended."""
        beat = time.monotonic()
        while any(thread.is_alive() for thread in threads) or not self._waiting.empty():
            VITALS.turned(LOOP)
            with suppress(queue.Empty):
                self._hand_out(self._waiting.get(timeout=LOOK_SECONDS), outputs)
            if self._last and time.monotonic() - beat > HEARTBEAT_SECONDS:
                beat = time.monotonic()
                outputs.write(self._own(FlowBatch(watermark=self._last - LATE)))
        outputs.write(self._own(FlowBatch(watermark=END_OF_RUN)))

    def _put(self, item: FlowBatch | Management | ArgusEvent) -> None:
        """Hand on from a thread; the argus waits while the outputs do."""
        while not self._stopped.is_set():
            try:
                self._waiting.put(item, timeout=LOOK_SECONDS)
            except queue.Full:
                continue
            return

    def _hand_out(self, item: FlowBatch | Management | ArgusEvent, outputs: Outputs) -> None:
        if isinstance(item, ArgusEvent):
            for message in self._events.messages(item):
                outputs.event(message)
            return
        if not isinstance(item, FlowBatch):
            table.ATTACHED_DROPPED.set(item.dropped, item.source)
            outputs.notice(self._status(item, outputs))
            return
        self._last = max(self._last, int(last_times(item.records).max()))
        probe = item.probe
        records, packets = self._counted.get(probe, (0, 0))
        self._counted[probe] = records + len(item), packets + packets_of(item.records)
        table.ATTACHED_RECORDS.add(len(item), probe)
        outputs.write(self._own(item))

    def _own(self, batch: FlowBatch) -> FlowBatch:
        """Return a batch as one of this run; its records keep the probes that made them."""
        return batch.replace(site=self._settings.site, probe=self._settings.probe, boot_id=self.boot_id)

    def _status(self, told: Management, outputs: Outputs) -> ProbeStatus:
        """Return what an argus says about itself, under its own name, and how many of its records came here."""
        records, packets = self._counted.get(told.source, (0, 0))
        return ProbeStatus(
            site=self._settings.site,
            probe=told.source or self._settings.probe,
            boot_id=self._boots.setdefault(told.source, told.started),  # in later ones it is when they begin
            runs=1,
            sequence=told.sequence,
            cause=CAUSES.get(told.cause, STATUS),
            time=told.now,
            started=self._boots[told.source],
            live=True,
            version=f"argus {told.version}, by argosy {version('argosy')}",
            configuration=self._settings.digest,
            status_interval=told.report_interval * NANOSECONDS,
            probe_status_interval=told.status_interval * NANOSECONDS,
            packets=told.packets,
            bytes=told.bytes,
            flows=told.flows,
            records=records,
            record_packets=packets,
            active_flows=told.queue,
            max_flows=0,
            evicted=0,
            dropped={"argus": told.dropped},
            output=outputs.counts(),
        )

    @staticmethod
    def _say(what: str, reason: str) -> None:
        if reason:
            log.warning(what, reason=reason)
        else:
            log.info(what)
