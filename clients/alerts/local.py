"""What `argosy run --rules` does on the way: rules look at status records, transactions, names, findings, the probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.alerts import Alerts
from processors.alerts.tables import dns_table, names_table, probes_table, spans_table
from processors.engine.local import Watermark
from sinks.alerts.kept import keep_alerts
from topics.alerts import RAISED, SEVERITIES, Alert
from topics.record import copy_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from processors.alerts import Rules
    from processors.labels import Labeller
    from topics.batch import FlowBatch
    from topics.dns import DnsBatch
    from topics.names import AddressName
    from topics.probe_status import ProbeStatus
    from topics.spans import SpanFinding

SHOWN = 10


class AlertTap:
    """Looks at status records before they are merged, and passes them on. `alerts` are those found so far."""

    def __init__(self, rules: Rules, labeller: Labeller | None = None) -> None:
        self._engine, self._watermark = Alerts(rules.rules, rules.silences), Watermark()
        self._labeller = labeller if self._engine.needs_labels else None
        self.alerts: list[Alert] = []

    def process(self, batch: FlowBatch) -> Sequence[FlowBatch]:
        """Look at a batch."""
        looked_at = batch if self._labeller is None else self._labelled(batch)
        self._engine.process(looked_at)
        time = self._watermark.after(batch)
        if time is not None:
            self.alerts += self._engine.advance(time)
        return [batch]

    def flush(self) -> Sequence[FlowBatch]:
        """Return nothing: nothing is held back."""
        return []

    def told(self, transactions: DnsBatch, names: Sequence[AddressName]) -> None:
        """Look at transactions and names."""
        if len(transactions) and "dns" in self._engine.inputs:
            self._engine.process_table("dns", dns_table(transactions))
            self.alerts += self._engine.advance(0, "dns")
        if names and "names" in self._engine.inputs:
            self._engine.process_table("names", names_table(names))
            self.alerts += self._engine.advance(0, "names")

    def finish(self, findings: Sequence[SpanFinding], statuses: Sequence[ProbeStatus], directory: Path) -> None:
        """Look at what is known at the end, and keep the alerts."""
        if findings:
            self._engine.process_table("spans", spans_table(findings))
        if statuses:
            self._engine.process_table("probes", probes_table(statuses))
        self.alerts += self._engine.flush()
        self.alerts.sort(key=lambda alert: (alert.time, alert.rule, alert.about))
        keep_alerts(directory, self.alerts)

    def lines(self) -> list[str]:
        """Return what was raised in words, the worst first."""
        raised = [alert for alert in self.alerts if alert.state == RAISED]
        raised.sort(key=lambda alert: (-SEVERITIES.index(alert.severity), alert.time))
        lines = [f"{alert.severity}: {alert.summary}" for alert in raised[:SHOWN]]
        return lines + ([f"and {len(raised) - SHOWN} more"] if len(raised) > SHOWN else [])

    def _labelled(self, batch: FlowBatch) -> FlowBatch:
        """Return a batch of its own with labels: those of others are written when flows are whole."""
        if self._labeller is None or not len(batch):
            return batch
        own = batch.replace(records=copy_records(batch.records))
        return self._labeller.process(own)[0]
