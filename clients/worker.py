"""`argosy worker`: merge the status records of all probes into flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.environment import parse_service
from clients.options import Option, Parsed
from clients.telemetry.options import OPTIONS as SERVICE
from topics.definitions import CONTROL, DEAD_LETTERS, FLOW_STATUS, FLOWS
from topics.errors import UsageError

if TYPE_CHECKING:
    from processors.engine.settings import WorkerSettings

GROUP, NAMES_GROUP = "argosy-merge", "argosy-names"
IDLE, OTHER_IDLE, ACTIVE = 60.0, 30.0, 300.0
SESSION, BROKER, CONNECT, LATENESS = 6.0, 60.0, 10.0, 2.0
EVENT_MEMORY = 3600.0
MAX_SECONDS = 86_400.0

USAGE = "argosy worker --bus kafka://HOST:PORT [OPTIONS]"
SUMMARY = """\
Merges flow status records into flows until it is stopped by SIGTERM or Ctrl-C. Workers of one group share the
partitions: start more of them to go faster. One that dies loses nothing: the others go on where it was."""
OPTIONS = [
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT]"),
    Option("--group", "NAME", f"consumer group to join (default {GROUP})"),
    Option("--idle-timeout", "SECONDS", "end a flow after so long without a packet (default 60 for TCP, else 30)"),
    Option("--active-timeout", "SECONDS", f"report longer flows in pieces of this length (default {ACTIVE:.0f})"),
    Option("--session-timeout", "SECONDS", f"a worker silent for so long is taken for dead (default {SESSION:.0f})"),
    Option("--broker-timeout", "SECONDS", f"give up when the broker is away for so long (default {BROKER:.0f})"),
    Option("--input", "TOPIC", f"topic of status records (default {FLOW_STATUS.name})"),
    Option("--output", "TOPIC", f"topic of flows (default {FLOWS.name})"),
    Option("--dead-letters", "TOPIC", f"topic of what cannot be read (default {DEAD_LETTERS.name})"),
    Option("--labels", "CONF", "label flows by lists and databases (docs/guides/labels.md)"),
    Option("--names", "TOPIC", "name flows by what clients asked DNS for, argosy.names.v1 for instance"),
    Option("--name-lateness", "SECONDS", "names come at the latest so long after a flow began (default 2)"),
    Option("--names-group", "NAME", f"consumer group of argosy names (default {NAMES_GROUP})"),
    Option("--control", "TOPIC", f"topic of payloads that names are made of (default {CONTROL.name})"),
    Option("--events", "TOPIC", "say whose flows were by what probes were told, argosy.events.v1 for instance"),
    Option("--event-lateness", "SECONDS", "how long flows wait for events (default 2)"),
    Option("--event-memory", "SECONDS", "read the events of so long before the start (default 3600)"),
    *SERVICE,
    Option("-h --help", "", "this text"),
]


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_service("worker", USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(f"unknown word '{parsed.rest[0]}': argosy worker takes options only")
    if not parsed.count("--bus"):
        raise UsageError("say where Kafka is: --bus kafka://HOST:PORT")
    settings = _settings(parsed)

    from clients.telemetry.consumers import of_worker
    from clients.telemetry.service import service
    from processors.engine.faust_worker import run_worker
    from processors.engine.state import StateKeeper

    keeper = StateKeeper()
    with service(parsed, "worker", lambda: of_worker(keeper.state)):
        run_worker(settings, keeper)
    return 0


def _settings(parsed: Parsed) -> WorkerSettings:
    from processors.engine.settings import WorkerSettings
    from processors.merge import MergeSettings

    patience = _seconds(parsed, "--broker-timeout", BROKER)
    return WorkerSettings(
        url=parsed.word("--bus") or "",
        group=parsed.word("--group") or GROUP,
        input_topic=parsed.word("--input") or FLOW_STATUS.name,
        output_topic=parsed.word("--output") or FLOWS.name,
        dead_letters_topic=parsed.word("--dead-letters") or DEAD_LETTERS.name,
        merge=MergeSettings(
            idle_timeout=_seconds(parsed, "--idle-timeout", IDLE),
            other_idle_timeout=_seconds(parsed, "--idle-timeout", OTHER_IDLE),
            active_timeout=_seconds(parsed, "--active-timeout", ACTIVE),
        ),
        session_timeout=_seconds(parsed, "--session-timeout", SESSION),
        connect_timeout=min(CONNECT, patience),
        broker_timeout=patience,
        labels=parsed.word("--labels") or "",
        names_topic=parsed.word("--names") or "",
        name_lateness=_seconds(parsed, "--name-lateness", LATENESS),
        names_group=parsed.word("--names-group") or NAMES_GROUP,
        control_topic=parsed.word("--control") or CONTROL.name,
        events_topic=parsed.word("--events") or "",
        event_lateness=_seconds(parsed, "--event-lateness", LATENESS),
        event_memory=_seconds(parsed, "--event-memory", EVENT_MEMORY),
    )


def _seconds(parsed: Parsed, name: str, default: float) -> float:
    text = parsed.word(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        raise UsageError(f"option {name} takes seconds, not '{text}'") from None
    if not 1 <= value <= MAX_SECONDS:
        raise UsageError(f"option {name} takes 1 to {MAX_SECONDS:.0f} seconds, not {text}")
    return value
