"""`argosy sink sql`: flows in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import Option
from clients.sink.shared import database_identity, keep_flows, needed, opened_when_there, seconds
from clients.writing.keeping import OPTIONS as KEEPING
from clients.writing.keeping import keeping

if TYPE_CHECKING:
    from clients.options import Parsed
    from sinks.sql import SqlSink

LINGER = "2s"
WHAT = "flows in a database"
SUMMARY = """\
Keeps the flows of a topic in a database until it is stopped by SIGTERM or Ctrl-C. However it ends, nothing is lost or
kept twice."""
OPTIONS = (
    Option("--url", "URL", "FILE.duckdb, FILE.sqlite, postgresql://USER@HOST:PORT/DATABASE or mysql://... (also\n"
                           "MariaDB); a table may follow, /flows_%Y_%m_%d for one a day; passwords may be in\n"
                           "PGPASSWORD, ~/.pgpass or ~/.my.cnf"),
    *KEEPING,
    Option("--linger", "TIME", f"write flows at the latest so long after they came (default {LINGER})"),
)  # fmt: skip


def keep(parsed: Parsed) -> None:
    """Run the sink."""
    needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    address = needed(parsed, "--url", "which database: --url URL")
    keep_flows(parsed, "sql", database_identity(address), lambda: _open(parsed, address))


def _open(parsed: Parsed, address: str) -> SqlSink:
    from sinks.sql import SqlSink

    linger = seconds(parsed, "--linger", LINGER)
    return opened_when_there(lambda: SqlSink(address, linger=linger, keeping=keeping(parsed)))
