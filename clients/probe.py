"""`argosy probe`: packets to flow status records, to a file or to Kafka."""

from __future__ import annotations

import socket
import sys
import time
from typing import TYPE_CHECKING

from clients.options import Option, Parsed, help_text, parse
from topics.definitions import FLOW_STATUS
from topics.errors import UsageError

if TYPE_CHECKING:
    from probes.captures import CaptureSource
    from probes.flows.probe import ProbeSettings

USAGE = "argosy probe -r FILE... [-w OUT | --bus kafka://HOST:PORT] [OPTIONS]"
SUMMARY = "Reads packets and reports every conversation in them as bidirectional flow status records."
OPTIONS = [
    Option("-r", "FILE...", "capture files: pcap or pcapng, plain, gzip or zstd; - is standard input"),
    Option("-w", "OUT", "write records there: .parquet .arrow .avro .csv .jsonl, or - for an Arrow stream"),
    Option("--bus", "URL", "publish records to Kafka: kafka://HOST:PORT[,HOST:PORT]"),
    Option("--topic", "TOPIC", f"topic of status records (default {FLOW_STATUS.name})"),
    Option("-S", "SECONDS", "report each active flow this often (default 5)"),
    Option("-e", "NAME", "name of this probe, the srcid of its records (default: name of the host)"),
    Option("--site", "NAME", "where the probe stands"),
    Option("-A", "", "as Argus: application bytes. They are always measured, as are the next four"),
    Option("-J", "", "as Argus: inter-packet times"),
    Option("-R", "", "as Argus: response times"),
    Option("-Z", "", "as Argus: packet sizes"),
    Option("-m", "", "as Argus: MAC addresses"),
    Option("-X", "", "as Argus: ignore settings files; there are none yet"),
    Option("-h --help", "", "this text"),
]
NANOSECONDS = 1_000_000_000
MIN_INTERVAL, MAX_INTERVAL = 0.001, 86400.0


def seconds(parsed: Parsed, name: str, default: float) -> int:
    """Return an option in seconds as ns; raises UsageError when it is no sensible number."""
    text = parsed.word(name)
    if text is None:
        return int(default * NANOSECONDS)
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"option {name} takes seconds, not '{text}'") from None
    if not MIN_INTERVAL <= value <= MAX_INTERVAL:
        raise UsageError(f"option {name} takes {MIN_INTERVAL} to {MAX_INTERVAL:.0f} seconds, not {text}")
    return int(value * NANOSECONDS)


def probe_settings(parsed: Parsed) -> ProbeSettings:
    """Return who observes and how, from the options that `probe` and `run` share."""
    from probes.flows.probe import ProbeSettings

    return ProbeSettings(
        site=parsed.word("--site") or "",
        probe=parsed.word("-e") or socket.gethostname(),
        boot_id=time.time_ns(),
        status_interval=seconds(parsed, "-S", 5.0),
    )


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse(OPTIONS, arguments)
    if parsed.count("--help") or parsed.count("-h"):
        print(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"no packet filter is known yet: '{parsed.expression}'")
    if not parsed.words("-r"):
        raise UsageError("say what to read: -r FILE")
    output, bus = parsed.word("-w"), parsed.word("--bus")
    if (output is None) == (bus is None):
        raise UsageError("say where records go: either -w FILE or --bus kafka://HOST:PORT")

    from probes.captures import CaptureSource

    source = CaptureSource(parsed.words("-r"), probe_settings(parsed))
    if output is not None:
        _write(source, output)
    else:
        _publish(source, bus or "", parsed.word("--topic") or FLOW_STATUS.name)
    return report_errors("argosy probe", source)


def report_errors(name: str, source: CaptureSource) -> int:
    """Print what could not be read, a line each; return the exit status."""
    for error in source.errors:
        print(f"{name}: {error}", file=sys.stderr)
    return 1 if source.errors else 0


def _write(source: CaptureSource, output: str) -> None:
    from sinks.formats import open_writer

    with open_writer(output) as writer:
        for batch in source:
            if len(batch):
                writer.write(batch)
        if source.errors and not source.totals.packets:
            writer.abort()


def _publish(source: CaptureSource, bus: str, topic: str) -> None:
    from topics.bus import Publisher

    with Publisher(bus, topic) as publisher:
        for batch in source:
            publisher.publish(batch)
