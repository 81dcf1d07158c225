"""Findings in a database, each once however often it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinks.findings.layout import tables
from sinks.findings.rows import alert_rows, dns_rows, span_rows
from sinks.sql.keyed import Row, open_keyed_tables
from topics.alerts import Alert
from topics.dns import DnsBatch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.spans import SpanFinding

    Finding = Alert | DnsBatch | SpanFinding


class FindingsDatabase:
    """The database at `duckdb:///FILE`, `FILE.duckdb` or `postgresql://...`, its tables made where they are not there.

    Raises UsageError for another kind of address, DatabaseError when the database refuses, DatabaseAwayError when the
    same may go well later. `records` counts transactions, findings and alerts.
    """

    def __init__(self, address: str) -> None:
        self._database = open_keyed_tables(address, "findings", tables)
        self.records = 0

    def write(self, findings: Iterable[Finding]) -> None:
        """Write findings, all or none."""
        rows: dict[str, list[Row]] = {}
        count = 0
        for finding in findings:
            for table, held in _rows(finding).items():
                rows.setdefault(table, []).extend(held)
            count += len(finding) if isinstance(finding, DnsBatch) else 1
        self._database.insert({table: held for table, held in rows.items() if held})
        self.records += count

    def close(self) -> None:
        """Leave the database."""
        self._database.close()


def _rows(finding: Finding) -> dict[str, list[Row]]:
    if isinstance(finding, DnsBatch):
        return dns_rows(finding)
    return alert_rows(finding) if isinstance(finding, Alert) else span_rows(finding)
