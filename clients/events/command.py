"""`argosy events`: programs, files, sockets, devices and logs as events, to files or to Kafka, without any packets."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clients.options import Option, parse_or_help
from clients.telemetry.options import OPTIONS as SERVICE
from clients.telemetry.options import address
from topics.errors import UsageError
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.options import Parsed
    from probes.events.runner import EventRunner
    from probes.settings import Settings
    from topics.events import EventRecord

USAGE = "argosy events SOURCE... -w OUT... [OPTIONS]"
SUMMARY = """\
Asks programs, files, the host itself, devices and logs, each on a schedule of its own, until it is stopped by SIGTERM
or Ctrl-C, or all were asked that are asked once. SOURCE is
prog:/PATH ARGUMENTS:INTERVAL[:compress], file:/PATH:INTERVAL[:compress], lsof, vmstat, netstat, load, disk or wifi;
more can be said in a file (docs/guides/events.md)."""
OPTIONS = (
    Option("-w", "OUT", "write there: FILE.events, a directory for a file an hour, - to print lines of JSON, or\n"
                        "kafka://HOST:PORT"),
    Option("-F", "FILE", "settings file: its keys events, site, probe, spool, log (that of the probe will do)"),
    Option("-e", "NAME", "name of this probe (default: name of the host)"),
    Option("--site", "NAME", "where the probe stands"),
    Option("--events-topic", "TOPIC", "topic of events (argosy.events.v1)"),
    Option("--spool", "DIR", "keep what goes to the bus there until brokers have it"),
    Option("-T", "SECONDS", "stop after so long"),
    *SERVICE,
    Option("-q", "", "do not say at the end how many there were"),
    Option("-h --help", "", "this text"),
)  # fmt: skip
OF_SETTINGS = {
    "-e": "probe", "--site": "site", "--events-topic": "events_topic",
    "--log": "log", "--log-level": "log_level", "--log-format": "log_format",
}  # fmt: skip
LOOK_SECONDS = 0.5
PATTERN = "%Y-%m-%d/events.%H.%M.%S.events"
HOUR = 3600


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    settings = _settings(parsed)
    if not settings.events:
        raise UsageError("say what to ask: argosy events lsof, or -F FILE")
    if not parsed.words("-w"):
        raise UsageError("say where events go: -w FILE.events, -w DIR or -w kafka://HOST:PORT")
    from clients.sensor import logs
    from clients.sensor.events import event_runner
    from clients.sensor.metrics import told
    from clients.telemetry.server import serving

    logs.configure(settings, "events")
    with ExitStack() as stack:
        takers = [_taker(where, settings, stack) for where in parsed.words("-w")]
        runner = event_runner(settings, time.time_ns())
        stack.enter_context(serving(address(parsed), "events", lambda: told(runner)))
        VITALS.settle("asking", f"{len(settings.events)} sources")
        _follow(runner, takers, parsed.number("-T", 0, minimum=0))
    if not parsed.count("-q"):
        lost = f", {runner.dropped} dropped" if runner.dropped else ""
        print(f"argosy events: {runner.records} events{lost}", file=sys.stderr)
    return 0


def _settings(parsed: Parsed) -> Settings:
    from probes.settings_layers import load

    given: dict[str, tuple[str, object]] = {}
    for option, key in OF_SETTINGS.items():
        if parsed.count(option):
            given[key] = option, parsed.word(option)
    if parsed.count("--spool"):
        given["spool"] = "--spool", {"directory": parsed.word("--spool")}
    if parsed.rest:
        given["events"] = "SOURCE", parsed.rest
    return load(given, parsed.word("-F"))


def _follow(runner: EventRunner, takers: list[Callable[[EventRecord, bytes], None]], seconds: int) -> None:
    """Hand out events until a signal comes, the time is over, or every source has ended."""
    from clients.ending import heeding

    stop = threading.Event()
    end = time.monotonic() + seconds if seconds else float("inf")
    with heeding(stop.set, lambda: None), runner:
        while not stop.is_set() and time.monotonic() < end and not runner.is_over:
            VITALS.turned("asking")
            runner.told.wait(LOOK_SECONDS)
            _hand_out(runner, takers)
    _hand_out(runner, takers)


def _hand_out(runner: EventRunner, takers: list[Callable[[EventRecord, bytes], None]]) -> None:
    for event, message in runner.take():
        for take in takers:
            take(event, message)


def _taker(where: str, settings: Settings, stack: ExitStack) -> Callable[[EventRecord, bytes], None]:
    if where.startswith("kafka://"):
        from clients.sensor.bus import open_bus
        from clients.sensor.events import event_post

        alone = settings.model_copy(update={"topic": settings.events_topic})  # there are no records to publish
        post = event_post(open_bus(where, alone, stack, number=1, live=True), settings)
        return lambda _, message: post(message)
    if where == "-":
        from clients.events.raevent import described, json_line

        return lambda event, _: print(json_line(described(event)), flush=True)
    if Path(where).suffix != ".events":
        hours = _Hours(Path(where))
        stack.callback(hours.close)
        return hours.take
    from sinks.formats.events import EventWriter

    writer = stack.enter_context(EventWriter(where))
    return lambda _, message: writer.write(message)


class _Hours:
    """A file an hour, named after its first event; each appears when it is whole."""

    def __init__(self, directory: Path) -> None:
        from sinks.formats.events import EventWriter

        self._directory, self._open = directory, EventWriter
        self._writer: EventWriter | None = None
        self._hour = 0

    def take(self, event: EventRecord, message: bytes) -> None:
        """Write an event; close the file of the hour before."""
        second = event.started // 1_000_000_000
        if self._writer is None or second // HOUR != self._hour:
            self.close()
            path = self._directory / datetime.fromtimestamp(second, UTC).strftime(PATTERN)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer, self._hour = self._open(str(path)), second // HOUR
        self._writer.write(message)

    def close(self) -> None:
        """Let the file appear."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
