"""`argosy names`: payloads of the control plane on Kafka into DNS transactions and names of addresses."""

from __future__ import annotations

import sys

from clients.environment import parse_service
from clients.options import Option
from clients.telemetry.options import OPTIONS as SERVICE
from topics.definitions import CONTROL, DEAD_LETTERS, DNS, NAMES
from topics.errors import UsageError

GROUP = "argosy-names"
USAGE = "argosy names --bus kafka://HOST:PORT [OPTIONS]"
SUMMARY = """\
Turns payloads that probes publish with -C into DNS transactions and names of addresses, until it is stopped by SIGTERM
or Ctrl-C. Several of one group share the partitions; what one had not settled when it died is read again."""
OPTIONS = (
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT]"),
    Option("--group", "NAME", f"consumer group to join (default {GROUP})"),
    Option("--input", "TOPIC", f"topic of payloads (default {CONTROL.name})"),
    Option("--dns", "TOPIC", f"topic of transactions (default {DNS.name})"),
    Option("--names", "TOPIC", f"topic of names (default {NAMES.name})"),
    Option("--dead-letters", "TOPIC", f"topic of what cannot be read (default {DEAD_LETTERS.name})"),
    *SERVICE,
    Option("-h --help", "", "this text"),
)


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_service("names", USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(f"unknown word '{parsed.rest[0]}': argosy names takes options only")
    url = parsed.word("--bus")
    if url is None:
        raise UsageError("say where Kafka is: --bus kafka://HOST:PORT")
    from clients.ending import stopped_by_signals
    from clients.telemetry.service import service
    from processors.engine.naming import NamingSettings, NamingWorker

    settings = NamingSettings(
        url,
        parsed.word("--group") or GROUP,
        parsed.word("--input") or CONTROL.name,
        parsed.word("--dns") or DNS.name,
        parsed.word("--names") or NAMES.name,
        parsed.word("--dead-letters") or DEAD_LETTERS.name,
    )
    with service(parsed, "names"), stopped_by_signals() as stop:
        worker = NamingWorker(settings, stop)
        worker.run()
    print(f"argosy names: {worker.transactions} transactions, {worker.names} names", file=sys.stderr)
    return 0
