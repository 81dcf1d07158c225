"""What all sinks have in common: where Kafka is, which group reads, and the loop that feeds a sink of flows."""

from __future__ import annotations

import socket
import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from clients.options import Option
from clients.telemetry.options import OPTIONS as SERVICE
from topics.definitions import DEAD_LETTERS, FLOWS
from topics.errors import DatabaseAwayError, UsageError
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.options import Parsed
    from sinks.files import FileSinks
    from sinks.sql import SqlSink

STORE = "files or database"
Database = TypeVar("Database")
RETRY_SECONDS = 1.0
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SHARED = (
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT]"),
    Option("--group", "NAME", "consumer group (default: one of its own for each directory or database)"),
    Option("--topic", "TOPIC", f"topic of flows (default {FLOWS.name})"),
    Option("--dead-letters", "TOPIC", f"topic of what cannot be read (default {DEAD_LETTERS.name})"),
    Option("--until-idle", "TIME", "stop when no message came for so long (default: never)"),
    *SERVICE,
    Option("-q", "", "do not say at the end what was kept"),
    Option("-h --help", "", "this text"),
)


def keep_flows(parsed: Parsed, kind: str, where: str, open_sink: Callable[[], FileSinks | SqlSink]) -> None:
    """Feed a sink of flows until it is stopped; `where` tells its place from others, for its consumer group."""
    bus = needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    until_idle = seconds(parsed, "--until-idle", "0") or None

    from clients.ending import stopped_by_signals
    from clients.telemetry.consumers import of_sink
    from clients.telemetry.service import service
    from sinks.kafka import SinkState, Subscription, run_sink

    subscription = Subscription(
        bus,
        group(parsed, kind, where),
        parsed.word("--topic") or FLOWS.name,
        parsed.word("--dead-letters") or DEAD_LETTERS.name,
        until_idle,
    )
    state = SinkState()
    with service(parsed, f"sink-{kind}", lambda: of_sink(state)):
        VITALS.needs(STORE)
        sink = open_sink()
        VITALS.settle(STORE, "open")
        try:
            with stopped_by_signals() as stop:
                undecodable = run_sink(sink, subscription, stop, state)
            sink.close()
        except BaseException:
            sink.abort()
            raise
    say_what_was_kept(parsed, kind, f"{sink.records} flows", undecodable)


def opened_when_there(open_database: Callable[[], Database]) -> Database:
    """Return what opens a database, which is waited for as long as the settings of the bus say (`wait`)."""
    from topics.bus.client import wait_seconds

    end = time.monotonic() + wait_seconds()
    while True:
        try:
            return open_database()
        except DatabaseAwayError:
            if time.monotonic() > end:
                raise
            time.sleep(RETRY_SECONDS)


def say_what_was_kept(parsed: Parsed, kind: str, what: str, unread: int) -> None:
    """Say on standard error what a sink kept and how many messages it could not read, unless told to be quiet."""
    if not parsed.count("-q"):
        left_out = f", {unread} messages could not be read" if unread else ""
        print(f"argosy sink {kind}: {what} kept{left_out}", file=sys.stderr)


def needed(parsed: Parsed, name: str, what: str) -> str:
    """Return the word of an option; raises UsageError, asking for `what`, without one."""
    word = parsed.word(name)
    if not word:
        raise UsageError(f"say {what}")
    return word


def group(parsed: Parsed, kind: str, where: str) -> str:
    """Return the consumer group: the one that was named, or one for each place, so that each gets everything."""
    return parsed.word("--group") or f"argosy-sink-{kind}-{blake2b(where.encode(), digest_size=6).hexdigest()}"


def directory_identity(place: str) -> str:
    """Tell a directory, of this host, from others, or a prefix of a bucket."""
    if place.startswith("s3://"):
        return place.rstrip("/")
    return f"{socket.gethostname()}:{Path(place).resolve()}"


def database_identity(address: str) -> str:
    """Tell a database from others, without its password; raises UsageError for a kind that is not known."""
    from sinks.sql.address import display_name, parse_table

    url, table = parse_table(address)
    where = display_name(url)
    where = where if "://" in where else directory_identity(where)
    return f"{where}/{table}" if table else where


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
