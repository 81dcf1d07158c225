"""DNS transactions, findings about mirror ports and alerts in tables of a database."""

from sinks.findings.kafka import FindingsState, keep_findings
from sinks.findings.tables import FindingsDatabase

__all__ = ["FindingsDatabase", "FindingsState", "keep_findings"]
