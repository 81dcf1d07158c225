"""Dashboards and alert rules: every metric and label in them exists, and the files are those that are described."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from clients.telemetry.page import page
from deploy.grafana.described import DASHBOARDS
from deploy.grafana.files import DIRECTORY, files
from tests.deploy.promql import Wrong, metrics_in, wrong_in
from topics.metrics.table import METRICS

if TYPE_CHECKING:
    from deploy.grafana.panels import Dashboard

PROMETHEUS = Path("deploy/prometheus")
RULES = PROMETHEUS / "argosy.rules.yaml"
TESTS = PROMETHEUS / "argosy.tests.yaml"
RULE_LIST: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
]
TEMPLATED = re.compile(r"\$labels\.(\w+)")


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool: apt-get install prometheus")
    return found


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("sum by (job, topic) (rate(argosy_consumer_messages_total[5m])) > 0", []),
        ("argosy_consumer_mesages_total", [Wrong("argosy_consumer_mesages_total")]),
        ('argosy_ready{program="worker"}', [Wrong("argosy_ready", "program")]),
        ("sum by (le, stage) (rate(argosy_packet_age_seconds_bucket[5m]))", []),
        ("sum by (le) (rate(argosy_packet_age_seconds_sum[5m]))", [Wrong("argosy_packet_age_seconds_sum", "le")]),
        ("argosy_packet_age_seconds", [Wrong("argosy_packet_age_seconds")]),
        (
            "max by (topic) (argosy_ready) and sum by (topic) (argosy_consumer_paused)",
            [Wrong("argosy_ready", "topic")],
        ),
    ],
)
def test_what_does_not_exist_is_found(expression: str, wrong: list[Wrong]) -> None:
    assert list(wrong_in(expression)) == wrong


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.name)
def test_every_metric_and_label_of_a_dashboard_exists(dashboard: Dashboard) -> None:
    queries = [query.expression for panel in dashboard.panels for query in panel.queries]
    assert [wrong for query in (*queries, *dashboard.variables.values()) for wrong in wrong_in(query)] == []
    assert all(metrics_in(query) for query in queries)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.name)
def test_legends_name_labels_that_their_query_groups_by(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        for query in panel.queries:
            for label in re.findall(r"\{\{(\w+)\}\}", query.legend):
                names = metrics_in(query.expression)
                grouped = re.findall(r"\bby \(([^)]*)\)", query.expression)
                assert not grouped or any(label in group for group in grouped), (panel.title, label)
                assert not list(wrong_in(f"sum by ({label}) ({names[0]})")), (panel.title, label)


def test_the_files_are_what_is_described() -> None:
    kept = {path: path.read_text() for path in DIRECTORY.glob("*.json")}
    assert kept == files(), "python -m deploy.grafana writes them anew"


@pytest.mark.parametrize("path", sorted(DIRECTORY.glob("*.json")), ids=lambda path: path.stem)
def test_grafana_finds_what_it_needs(path: Path) -> None:
    made = json.loads(path.read_text())
    assert made["uid"] == f"argosy-{path.stem}"
    numbers = [panel["id"] for panel in made["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in made["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"]
            assert panel["targets"]
    variables = {each["name"] for each in made["templating"]["list"]}
    used = {name for name in re.findall(r"\$\{?(\w+)", path.read_text()) if not name.startswith("__")}
    assert used <= variables


@pytest.mark.parametrize("rule", RULE_LIST, ids=lambda rule: rule["alert"])
def test_every_metric_and_label_of_a_rule_exists(rule: dict[str, Any]) -> None:
    assert list(wrong_in(rule["expr"])) == []
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert len(rule["annotations"]["description"]) > 60
    told = " ".join(rule["annotations"].values())
    named = set(TEMPLATED.findall(told))
    first = metrics_in(rule["expr"])[0]
    assert not [wrong for label in named for wrong in wrong_in(f"sum by ({label}) ({first})")]
    grouped = re.search(r"\bby \(([^)]*)\)", rule["expr"])
    assert not grouped or named <= {label.strip() for label in grouped[1].split(",")}
    assert set(re.findall(r"argosy_\w+", told)) <= {metric.name for metric in METRICS}


def test_every_rule_is_seen_to_fire_and_not_to() -> None:
    tests = TESTS.read_text()
    assert {rule["alert"] for rule in RULE_LIST} == set(re.findall(r'alertname="(\w+)"', tests))


def test_promtool_finds_nothing_wrong(promtool: str) -> None:
    checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULE_LIST)} rules found" in checked.stdout
    tested = subprocess.run([promtool, "test", "rules", TESTS], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_page_names_the_files() -> None:
    for name in ("deploy/grafana/dashboards", "deploy/grafana/provisioning", str(RULES)):
        assert Path(name).exists()
        assert name in page()
