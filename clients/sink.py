"""`argosy sink files`, `argosy sink sql` and `argosy sink events`: keep the flows and events that Kafka carries."""

from __future__ import annotations

import socket
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from clients.options import Option, Parsed, help_text, parse_or_help
from topics.definitions import DEAD_LETTERS, EVENTS, FLOWS
from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from sinks.files import FileSink
    from sinks.sql import SqlSink

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
PATTERN, ROTATE, GRACE, LINGER = "%Y-%m-%d/flows.%H.%M.%S", "5m", "7m", "2s"
USAGE = "argosy sink files|sql|events --bus kafka://HOST:PORT [OPTIONS]"
SUMMARY = """\
Keeps the flows of a topic until it is stopped by SIGTERM or Ctrl-C: in Parquet files by the time the flows began
(files --data DIR), or in a database (sql --url URL); the events of probes in files or typed tables (events --data DIR
or --url URL). However it ends, nothing is lost or kept twice."""
SHARED = [
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT]"),
    Option("--group", "NAME", "consumer group (default: one of its own for each directory or database)"),
    Option("--topic", "TOPIC", f"topic of flows (default {FLOWS.name})"),
    Option("--dead-letters", "TOPIC", f"topic of what cannot be read (default {DEAD_LETTERS.name})"),
    Option("--until-idle", "TIME", "stop when no message came for so long (default: never)"),
    Option("--metrics", "[HOST]:PORT", "metrics for Prometheus; on loopback unless a host is named"),
    Option("-q", "", "do not say at the end what was kept"),
    Option("-h --help", "", "this text"),
]
FILES = [
    Option("--data", "DIR", "files: directory to keep them in"),
    Option("--pattern", "PATTERN", f"files: their names, through strftime in UTC (default {PATTERN})"),
    Option("--rotate", "TIME", f"files: span of a file, as 300, 5m, 1h or 1d (default {ROTATE})"),
    Option("--grace", "TIME", f"files: wait so long for flows that end late (default {GRACE})"),
]
SQL = [
    Option("--url", "URL", "sql: duckdb:///FILE, FILE.duckdb or postgresql://USER@HOST:PORT/DATABASE\n"
                           "(the password may be in the URL, PGPASSWORD or ~/.pgpass)"),
    Option("--linger", "TIME", f"sql: write flows at the latest so long after they came (default {LINGER})"),
]  # fmt: skip
KEPT = [
    Option("--data", "DIR", "events: directory to keep them in"),
    Option("--url", "URL", "events: or the database to keep them in"),
    Option("--linger", "TIME", "events: keep them at the latest so long after they came (default 2s; files 5m)"),
]
KINDS = {"files": [*FILES, *SHARED], "sql": [*SQL, *SHARED], "events": [*KEPT, *SHARED]}


def run(arguments: list[str]) -> int:
    """Run the command."""
    kind, *rest = arguments or [""]
    if kind in {"-h", "--help"}:
        print(help_text(USAGE, SUMMARY, [*FILES, *SQL, *KEPT, *SHARED]))
        return 0
    if kind not in KINDS:
        raise UsageError(
            f"say which sink, files, sql or events, not '{kind}'{suggestion(kind, KINDS)}" if kind else USAGE
        )
    parsed = parse_or_help(USAGE, SUMMARY, KINDS[kind], rest)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(f"unknown word '{parsed.rest[0]}': argosy sink {kind} takes options only")
    if kind == "events":
        _keep_events(parsed)
    else:
        _keep(kind, parsed)
    return 0


def _keep_events(parsed: Parsed) -> None:
    bus = _needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    place, address = parsed.word("--data") or "", parsed.word("--url") or ""
    if bool(place) == bool(address):
        raise UsageError("say where events go: --data DIR or --url URL")

    import signal
    import threading

    from sinks.events import EventDatabase, EventDirectory, keep_events

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sink = EventDirectory(place) if place else EventDatabase(address)
    unread = keep_events(
        bus,
        parsed.word("--topic") or EVENTS.name,
        parsed.word("--group") or f"argosy-sink-events-{_fingerprint(place, address)}",
        sink,
        stop,
        dead_letters=parsed.word("--dead-letters") or DEAD_LETTERS.name,
        linger=seconds(parsed, "--linger", LINGER if address else "5m"),
        until_idle=seconds(parsed, "--until-idle", "0") or None,
    )
    sink.close()
    if not parsed.count("-q"):
        left_out = f", {unread} messages could not be read" if unread else ""
        print(f"argosy sink events: {sink.records} events kept{left_out}", file=sys.stderr)


def _keep(kind: str, parsed: Parsed) -> None:
    bus = _needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    place = _needed(parsed, "--data", "where files go: --data DIR") if kind == "files" else ""
    address = _needed(parsed, "--url", "which database: --url URL") if kind == "sql" else ""
    until_idle = seconds(parsed, "--until-idle", "0") or None

    from clients.consumer_metrics import SinkCollector, serving
    from sinks.kafka import SinkState, Subscription, run_sink

    group = parsed.word("--group") or (f"argosy-sink-{kind}-{_fingerprint(place, address)}")
    subscription = Subscription(
        bus,
        group,
        parsed.word("--topic") or FLOWS.name,
        parsed.word("--dead-letters") or DEAD_LETTERS.name,
        until_idle,
    )
    sink = _file_sink(parsed, place) if kind == "files" else _sql_sink(parsed, address)
    try:
        state = SinkState()
        with serving(parsed.word("--metrics"), SinkCollector(lambda: state)):
            undecodable = run_sink(sink, subscription, state)
        sink.close()
    except BaseException:
        sink.abort()
        raise
    if not parsed.count("-q"):
        left_out = f", {undecodable} messages could not be read" if undecodable else ""
        print(f"argosy sink {kind}: {sink.records} flows kept{left_out}", file=sys.stderr)


def _file_sink(parsed: Parsed, place: str) -> FileSink:
    from sinks.files import FileSink

    return FileSink(
        place,
        pattern=parsed.word("--pattern") or PATTERN,
        rotate=int(seconds(parsed, "--rotate", ROTATE)),
        grace=int(seconds(parsed, "--grace", GRACE)),
    )


def _sql_sink(parsed: Parsed, address: str) -> SqlSink:
    from sinks.sql import SqlSink

    return SqlSink(address, linger=seconds(parsed, "--linger", LINGER))


def _needed(parsed: Parsed, name: str, what: str) -> str:
    word = parsed.word(name)
    if not word:
        raise UsageError(f"say {what}")
    return word


def _fingerprint(place: str, address: str) -> str:
    """Tell directories, of this host, and databases apart, so that each gets all flows."""
    if address:
        from sinks.sql.address import display_name, parse

        where = display_name(parse(address))
        where = where if "://" in where else f"{socket.gethostname()}:{Path(where).resolve()}"
    else:
        where = f"{socket.gethostname()}:{Path(place).resolve()}"
    return blake2b(where.encode(), digest_size=6).hexdigest()


def seconds(parsed: Parsed, name: str, default: str) -> float:
    """Return an option like 300, 90s, 5m, 1h or 1d in seconds; raises UsageError."""
    text = parsed.word(name) or default
    number, unit = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    try:
        value = float(number) * unit
    except ValueError:
        value = -1.0
    if not 0 <= value <= 366 * UNITS["d"]:
        raise UsageError(f"option {name} takes a time as 300, 90s, 5m, 1h or 1d, not '{text}'")
    return value
