"""`argosy alerts run`: rules at work on Kafka."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING

from clients.alerts.chosen import STARTER, rules_of
from clients.options import Option
from clients.telemetry.options import OPTIONS as SERVICE
from topics.definitions import ALERT_STATE, ALERTS, DEAD_LETTERS, DNS, FLOW_STATUS, NAMES, PROBES, SPANS
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed

WHAT = "rules at work on Kafka"
USAGE = "--bus kafka://HOST:PORT [--rules RULES...] [OPTIONS]"
SUMMARY = """\
Evaluates rules over what probes publish, and publishes alerts, until it is stopped by SIGTERM or Ctrl-C. However it
ends, the next one of the same name goes on where it was: no alert is lost or told twice. One process does it, for
subjects cross partitions; rules may be divided among several of different names."""
GROUP = "argosy-alerts"
TOPICS = {"records": FLOW_STATUS, "probes": PROBES, "dns": DNS, "names": NAMES, "spans": SPANS}
OPTIONS = (
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT]"),
    Option("--rules", "RULES...", f"files and directories of rules (default {STARTER})"),
    Option("--group", "NAME", f"name of the evaluator, under which its state is kept (default {GROUP})"),
    Option("--labels", "CONF", "label records by lists and databases, for rules that ask for labels"),
    Option("--input", "KIND=TOPIC...", "topics to read: records, probes, dns, names, spans"),
    Option("--output", "TOPIC", f"topic of alerts (default {ALERTS.name})"),
    Option("--state", "TOPIC", f"topic of states (default {ALERT_STATE.name})"),
    Option("--dead-letters", "TOPIC", f"topic of what cannot be read (default {DEAD_LETTERS.name})"),
    *SERVICE,
    Option("-h --help", "", "this text"),
)


def work(parsed: Parsed) -> int:
    """Run the command."""
    if parsed.rest:
        raise UsageError(f"unknown word '{parsed.rest[0]}': argosy alerts run takes options only")
    url = parsed.word("--bus")
    if url is None:
        raise UsageError("say where Kafka is: --bus kafka://HOST:PORT")
    rules = rules_of(parsed.words("--rules"))
    inputs = _inputs(parsed)

    from clients.ending import stopped_by_signals
    from clients.telemetry.consumers import of_alerting
    from clients.telemetry.service import service
    from processors.engine.alerting import AlertingSettings, AlertingWorker
    from processors.labels import Labeller, Lists, read_label_settings

    labels = parsed.word("--labels")
    labeller = None if labels is None else Labeller(Lists(read_label_settings(labels)))
    settings = AlertingSettings(
        url,
        parsed.word("--group") or GROUP,
        inputs,
        parsed.word("--output") or ALERTS.name,
        parsed.word("--state") or ALERT_STATE.name,
        parsed.word("--dead-letters") or DEAD_LETTERS.name,
    )
    workers: list[AlertingWorker] = []  # one, once its state is read
    serving = service(parsed, "alerts", lambda: chain.from_iterable(map(of_alerting, workers)))
    with serving, stopped_by_signals() as stop:
        workers.append(worker := AlertingWorker(settings, rules, labeller))
        worker.run(stop)
    print(f"argosy alerts run: {worker.records} records, {worker.alerts} alerts", file=sys.stderr)
    return 0


def _inputs(parsed: Parsed) -> dict[str, str]:
    inputs = {kind: topic.name for kind, topic in TOPICS.items()}
    for word in parsed.words("--input"):
        kind, _, topic = word.partition("=")
        if kind not in inputs or not topic:
            raise UsageError(f"option --input takes KIND=TOPIC with records, probes, dns, names or spans, not '{word}'")
        inputs[kind] = topic
    return inputs
