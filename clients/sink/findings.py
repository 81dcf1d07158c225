"""`argosy sink findings`: DNS transactions, findings about mirror ports and alerts in typed tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import Option
from clients.sink.shared import (
    database_identity,
    group,
    needed,
    opened_when_there,
    say_what_was_kept,
    seconds,
)
from topics.definitions import ALERTS, DEAD_LETTERS, DNS, SPANS
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed

TOPICS = {"dns": DNS.name, "spans": SPANS.name, "alerts": ALERTS.name}
WHAT = "DNS transactions, faulty mirror ports and alerts, in a database"
SUMMARY = """\
Keeps DNS transactions, findings about mirror ports and alerts in the tables dns, dns_resources, spans and alerts of a
database, until it is stopped by SIGTERM or Ctrl-C. However it ends, nothing is lost or kept twice."""
OPTIONS = (
    Option("--url", "URL", "FILE.duckdb or postgresql://USER@HOST:PORT/DATABASE; passwords may be in\n"
                           "PGPASSWORD or ~/.pgpass"),
    Option("--input", "KIND=TOPIC...", "topics to read: dns, spans, alerts (default: all three, by their usual names)"),
)  # fmt: skip


def keep(parsed: Parsed) -> None:
    """Run the sink."""
    bus = needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    address = needed(parsed, "--url", "which database: --url URL")
    wanted = _inputs(parsed)

    from clients.ending import stopped_by_signals
    from clients.telemetry.service import service
    from sinks.findings import FindingsDatabase, keep_findings

    with service(parsed, "sink-findings"), stopped_by_signals() as stop:
        database = opened_when_there(lambda: FindingsDatabase(address))
        unread = keep_findings(
            bus,
            group(parsed, "findings", database_identity(address)),
            database,
            stop,
            topics=wanted,
            dead_letters=parsed.word("--dead-letters") or DEAD_LETTERS.name,
            until_idle=seconds(parsed, "--until-idle", "0") or None,
        )
        database.close()
    say_what_was_kept(parsed, "findings", f"{database.records} findings", unread)


def _inputs(parsed: Parsed) -> dict[str, str]:
    if parsed.count("--topic"):
        raise UsageError("option --topic: say which kind is on it, --input dns=TOPIC for instance")
    wanted = {}
    for word in parsed.words("--input"):
        kind, _, topic = word.partition("=")
        if kind not in TOPICS:
            raise UsageError(f"option --input takes KIND=TOPIC with dns, spans or alerts, not '{word}'")
        wanted[kind] = topic or TOPICS[kind]
    return wanted or TOPICS
