"""DNS transactions, findings about mirror ports and alerts in tables of a database."""

from sinks.findings.kafka import keep_findings
from sinks.findings.tables import FindingsDatabase

__all__ = ["FindingsDatabase", "keep_findings"]
