"""What the probe finds about the mirror ports it listens at: into the log, and to the bus where records go there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from processors.spans import SpanWatch
from topics.batch import END_OF_RUN
from topics.errors import BusError
from topics.metrics.table import SPAN_FINDINGS
from topics.probe_status import partition_of
from topics.spans import RAISED, SpanFinding, encode_span_finding, load_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.sensor.bus import Bus
    from topics.batch import FlowBatch

log = structlog.get_logger()


class Mirroring:
    """Looks at the records of this probe, all of them in their order, so that each finding is told once.

    The topic is asked for only when there is something to say. `raised` holds what was found and not cleared since.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._watch = SpanWatch()
        self._partitions: dict[int, int] = {}
        self.raised: dict[tuple[object, ...], SpanFinding] = {}
        load_schema()  # now: there may be no files to read later

    def look_at(self, batch: FlowBatch, buses: Sequence[Bus]) -> None:
        """Look at a batch; tell what it leads to."""
        self._watch.process(batch)
        while self._watch.findings:
            finding = self._watch.findings.pop(0)
            self._keep(finding)
            SPAN_FINDINGS.add(1, finding.state)
            write = log.warning if finding.state == RAISED else log.info
            write(
                f"finding {finding.state}: packets mirrored more than once",
                interface=finding.interface,
                diagnosis=finding.diagnosis,
            )
            for number, bus in enumerate(buses):
                self._post(finding, number, bus)
        if not len(batch) and batch.watermark == END_OF_RUN:
            for key in [key for key, each in self.raised.items() if each.boot_id == batch.boot_id]:
                del self.raised[key]

    def _keep(self, finding: SpanFinding) -> None:
        vlans, changes = (finding.vlan, finding.copy_vlan), (finding.ttl_steps, finding.differences)
        key = (finding.boot_id, finding.interface, vlans, changes)
        if finding.state == RAISED:
            self.raised[key] = finding
        else:
            self.raised.pop(key, None)

    def _post(self, finding: SpanFinding, number: int, bus: Bus) -> None:
        if number not in self._partitions:
            try:
                self._partitions[number] = bus.partitions(self._topic)
            except BusError as error:
                log.warning("a finding is not published", reason=str(error))
                return
        partition = partition_of(finding.site, finding.probe, self._partitions[number])
        bus.post(self._topic, encode_span_finding(finding), partition, important=True)
