"""All programs on a real Kafka, watched by a real Prometheus: what they serve, dashboards and rules."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from deploy.grafana.described import DASHBOARDS
from deploy.kafka.ports import free_port
from tests.kafka.prometheus import Prometheus
from tests.kafka.workers import STOP_SECONDS
from tests.metrics_served import declared, families, name_of, scraped, undeclared
from tests.sinks.alerts.servers import WebServer
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from tests.waiting import wait_until
from topics.bus import create_topics
from topics.definitions import TOPICS
from topics.metrics.instrument import HISTOGRAM
from topics.metrics.table import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = Path("deploy/prometheus/argosy.rules.yaml")
PATIENCE = 300.0  # seconds for ten programs to start and to take ten minutes of traffic, on a machine under load
PROGRAMS = ("probe", "worker", "names", "alerts", "sink-sql", "sink-files", "sink-events", "sink-alerts",
            "sink-findings", "web")  # fmt: skip
# What nothing of this system has: other modes of the probe, labels of workers, what does not go wrong here.
ABSENT = {
    "probe": ("exporter", "attached", "events_", "clock_offset", "packet_age"),
    "worker": ("attributed", "worker_events", "list", "label_"),
    "sink-files": ("packet_age",),  # offsets are committed when a file is closed
    "sink-events": ("batch_duration", "packet_age"),
}
# Panels of which nothing is known here: no exporters, no losses, nobody to whom time of packets is now.
EMPTY = (
    "argosy_probe_exporter", "argosy_probe_lost", "argosy_probe_clock_offset", "argosy_worker_attributed",
    "argosy_worker_missing", "argosy_probe_dropped_packets",
    'state="cleared"',
)  # fmt: skip


@dataclasses.dataclass
class System:
    """Programs that run, each with the port of its metrics."""

    ports: dict[str, int]
    directory: Path
    processes: dict[str, subprocess.Popen[bytes]] = dataclasses.field(default_factory=dict)

    def start(self, program: str, *words: str) -> None:
        metrics = ("--metrics", f"127.0.0.1:{self.ports[program]}", "--log-format", "json", "--log-level", "info")
        command = [sys.executable, "-m", "clients.main", *program.split("-"), *words, *metrics]
        if program == "alerts":
            command.insert(4, "run")
        with (self.directory / f"{program}.log").open("wb") as log:
            self.processes[program] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def text(self, program: str, page: str = "metrics") -> str:
        with suppress(OSError):
            return scraped(self.ports[program], page)
        return ""

    def sum(self, program: str, name: str) -> float:
        text = self.text(program)
        return sum(float(sample.value) for each in families(text) if name_of(each) == name for sample in each.samples)

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait(STOP_SECONDS)


@pytest.fixture(scope="module")
def system(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A capture of ten minutes on its way from the probe to a database, to files and to people."""
    directory = tmp_path_factory.mktemp("metrics")
    prefix, url = f"test-metrics-{uuid.uuid4().hex[:12]}.", f"kafka://{kafka_bootstrap}"
    names = {topic.name: prefix + topic.name for topic in TOPICS}
    create_topics(url, [dataclasses.replace(topic, name=names[topic.name], partitions=2) for topic in TOPICS])
    records, flows, control, events, probes, dns, known, spans, alerts, state, letters = (
        names[f"argosy.{name}.v1"]
        for name in ("flow-status", "flows", "control", "events", "probes", "dns", "names", "spans", "alerts",
                     "alert-state", "dead-letters")
    )  # fmt: skip
    write_pcap(directory / "sample.pcap", sample_frames(1))
    ports: set[int] = set()
    listening = (*PROGRAMS, "prometheus", "page")
    while len(ports) < len(listening):
        ports.add(free_port())
    made = System(dict(zip(listening, ports, strict=True)), directory)
    bus, dead = ("--bus", url), ("--dead-letters", letters)

    def group(name: str) -> tuple[str, str]:
        return "--group", prefix + name

    with WebServer() as people:
        channels = {"channels": [{"name": "people", "webhook": {"url": people.url}}]}
        (directory / "channels.yaml").write_text(yaml.safe_dump(channels))
        try:
            made.start("probe", "-X", "-f", "-C", "-r", str(directory / "sample.pcap"), *bus, "-e", "edge",
                       "--spool", str(directory / "spool"), "--topic", records, "--control-topic", control,
                       "--status-topic", probes, "--spans-topic", spans, "--events-topic", events)  # fmt: skip
            made.start("names", *bus, *dead, *group("names"), "--input", control, "--dns", dns, "--names", known)
            made.start("worker", *bus, *dead, *group("merge"), "--input", records, "--output", flows,
                       "--names", known, "--names-group", prefix + "names", "--control", control)  # fmt: skip
            made.start("alerts", *bus, *dead, *group("alerts"), "--output", alerts, "--state", state, "--input",
                       f"records={records}", f"probes={probes}", f"dns={dns}", f"names={known}",
                       f"spans={spans}")  # fmt: skip
            made.start("sink-sql", *bus, *dead, *group("sql"), "--topic", flows,
                       "--url", str(directory / "flows.duckdb"))  # fmt: skip
            made.start("sink-files", *bus, *dead, *group("files"), "--topic", flows, "--data", str(directory / "data"))
            made.start("sink-events", *bus, *dead, *group("events"), "--topic", events,
                       "--data", str(directory / "events"))  # fmt: skip
            made.start("sink-alerts", *bus, *dead, *group("people"), "--topic", alerts,
                       "--channels", str(directory / "channels.yaml"))  # fmt: skip
            made.start("sink-findings", *bus, *dead, *group("findings"), "--url", str(directory / "findings.duckdb"),
                       "--input", f"dns={dns}", f"spans={spans}", f"alerts={alerts}")  # fmt: skip
            (directory / "looked-at").mkdir()
            made.start("web", "-R", str(directory / "looked-at"), "--port", str(made.ports["page"]),
                       "--cache", str(directory / "cache"), "--state", str(directory / "state"))  # fmt: skip
            yield made
        finally:
            made.end()


@pytest.fixture(scope="module")
def prometheus(system: System) -> Iterator[Prometheus]:
    """One that has seen everything that the capture leads to."""
    waits = {
        ("probe", "argosy_probe_packets_total"): 3000,
        ("probe", "argosy_probe_mirror_faults"): 1,
        ("sink-sql", "argosy_sink_records_total"): 100,
        ("sink-files", "argosy_sink_records_total"): 100,
        ("names", "argosy_dns_transactions_total"): 100,
        ("sink-alerts", "argosy_delivery_alerts_total"): 1,
    }
    for (program, name), least in waits.items():
        wait_until(lambda: system.sum(program, name) >= least, f"{name} of {program}", PATIENCE)  # noqa: B023 - at once
    wait_until(lambda: system.text("page", "api/meta") != "", "the page", PATIENCE)
    wait_until(lambda: read(system, "sink-findings") > 5, "findings in the database", PATIENCE)
    jobs = {f"argosy-{program}": system.ports[program] for program in PROGRAMS}
    with Prometheus(system.directory, system.ports["prometheus"], jobs, RULES) as running:
        running.wait_for_scrapes(4)
        yield running


def read(system: System, program: str) -> float:
    """How many messages a program has read, while none waits."""
    lag = system.sum(program, "argosy_consumer_lag_messages")
    return system.sum(program, "argosy_consumer_messages_total") if not lag else 0.0


def test_what_programs_serve_is_what_the_table_says(system: System, prometheus: Prometheus) -> None:
    for program in PROGRAMS:
        text = system.text(program)
        assert undeclared(text, program) == set(), program
        served = {name_of(each) for each in families(text)}
        missing = declared(program) - served
        assert {name for name in missing if not any(part in name for part in ABSENT.get(program, ()))} == set(), program


def test_all_are_alive_and_ready(system: System, prometheus: Prometheus) -> None:
    for program in PROGRAMS:
        wait_until(lambda: '"status": "ok"' in system.text(program, "readyz"), f"readiness of {program}")  # noqa: B023 - called at once
        found = json.loads(system.text(program, "healthz"))
        assert (found["status"], found["program"]) == ("ok", program)
        assert found["checks"]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.name)
def test_every_query_of_a_dashboard_answers(prometheus: Prometheus, dashboard: Any) -> None:
    for panel in dashboard.panels:
        for query in panel.queries:
            expression = query.expression.replace("$__rate_interval", "1m").replace("$instance", ".*")
            found = prometheus.value(expression.replace("$job", ".*"))
            if not any(name in expression for name in EMPTY):
                assert found, f"{panel.title}: {expression}"


def test_variables_of_dashboards_have_values(prometheus: Prometheus) -> None:
    for name, metric in (("instance", "argosy_probe_info"), ("job", "argosy_build_info")):
        assert prometheus.asked(f"label/{name}/values", **{"match[]": metric})


def test_every_rule_is_evaluated(prometheus: Prometheus) -> None:
    def rules() -> list[dict[str, Any]]:
        return [rule for group in prometheus.asked("rules")["groups"] for rule in group["rules"]]

    wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()), "evaluation of all rules")
    assert [(rule["name"], rule.get("lastError")) for rule in rules() if rule["health"] != "ok"] == []
    states = {rule["name"]: rule["state"] for rule in rules()}
    assert states["ArgosyMirrorPortFaulty"] in {"pending", "firing"}
    quiet = ("ProgramDown", "ProgramStuck", "ErrorsLogged", "BatchesMissing", "DeadLetters", "AlertsNotDelivered")
    assert {states[f"Argosy{name}"] for name in quiet} == {"inactive"}


def test_numbers_agree_from_probe_to_sink(system: System, prometheus: Prometheus) -> None:
    def one(expression: str) -> float:
        return float(prometheus.value(expression)[0]["value"][1])

    wait_until(lambda: one("sum(argosy_consumer_lag_messages)") == 0, "consumers that have read all")
    assert one("sum(argosy_probe_record_packets_total)") <= one("sum(argosy_probe_packets_total)")
    assert one("sum(argosy_probe_delivered_records_total)") >= one("sum(argosy_worker_records_total)") > 0
    wait_until(
        lambda: one('sum(argosy_sink_records_total{job="argosy-sink-sql"})') == one("sum(argosy_worker_flows_total)"),
        "flows of workers in the database",
    )


def test_log_lines_are_json_with_what_happened(system: System, prometheus: Prometheus) -> None:
    lines = [json.loads(line) for line in (system.directory / "worker.log").read_text().splitlines()]
    assert {"metrics served", "assigned", "started"} <= {line["event"] for line in lines}
    assert {line["program"] for line in lines} == {"worker"}


def test_every_kind_of_metric_is_seen(prometheus: Prometheus) -> None:
    """Of the histograms all but those of programs that do not run here."""
    names = {f"{metric.name}_bucket" for metric in METRICS if metric.kind == HISTOGRAM}
    assert names <= set(prometheus.asked("label/__name__/values"))
