"""`argosy sink events`: the events of probes in files or typed tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import Option
from clients.sink.shared import (
    database_identity,
    directory_identity,
    group,
    needed,
    say_what_was_kept,
    seconds,
)
from topics.definitions import DEAD_LETTERS, EVENTS
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed

WHAT = "the events of probes, in files or a database"
SUMMARY = """\
Keeps the events of probes, in files (--data DIR) or typed tables of a database (--url URL), until it is stopped by
SIGTERM or Ctrl-C. However it ends, nothing is lost or kept twice."""
OPTIONS = (
    Option("--data", "DIR", "directory to keep them in"),
    Option("--url", "URL", "or the database to keep them in"),
    Option("--linger", "TIME", "keep them at the latest so long after they came (default 2s; files 5m)"),
)


def keep(parsed: Parsed) -> None:
    """Run the sink."""
    bus = needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    place, address = parsed.word("--data") or "", parsed.word("--url") or ""
    if bool(place) == bool(address):
        raise UsageError("say where events go: --data DIR or --url URL")

    from clients.ending import stopped_by_signals
    from clients.telemetry.service import service
    from sinks.events import EventDatabase, EventDirectory, keep_events

    with service(parsed, "sink-events"), stopped_by_signals() as stop:
        sink = EventDirectory(place) if place else EventDatabase(address)
        unread = keep_events(
            bus,
            parsed.word("--topic") or EVENTS.name,
            group(parsed, "events", directory_identity(place) if place else database_identity(address)),
            sink,
            stop,
            dead_letters=parsed.word("--dead-letters") or DEAD_LETTERS.name,
            linger=seconds(parsed, "--linger", "2s" if address else "5m"),
            until_idle=seconds(parsed, "--until-idle", "0") or None,
        )
        sink.close()
    say_what_was_kept(parsed, "events", f"{sink.records} events", unread)
