"""Hosts, graphs, countries, DNS, mirror ports, alerts and rules, and the stream of what changes."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from starlette.testclient import TestClient

from clients.web.serving.app import application
from clients.web.site import Site
from tests.clients.web.server.conftest import OURS, setup_of, wait_until_prepared
from tests.clients.web.server.test_traffic import asked, flows
from tests.sinks.alerts.servers import ALERT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.web.server.conftest import Page

RULE = """
rules:
- name: much
  severity: low
  summary: much
  match: bytes gt 20000
  by: [saddr]
"""


def test_a_host(page: Page) -> None:
    found = asked(page, "/api/host/10.20.5.53")
    mine = flows(page.data, "host 10.20.5.53")
    assert found["totals"]["flows"] == mine.height
    offered = next(row for row in found["services_offered"] if row["port"] == 53)
    assert offered["clients"] == flows(page.data, "dst host 10.20.5.53 and udp and dst port 53")["saddr"].n_unique()
    assert sum(row["bytes"] for row in found["peers"]) == mine["bytes"].sum()
    sides = (("src", "sbytes"), ("dst", "dbytes"))
    sent = sum(sum(flows(page.data, f"{side} host 10.20.5.53")[name].to_list()) for side, name in sides)
    assert sum(found["series"]["series"][0]["up"]) == sent
    assert page.client.get("/api/host/10.99.99.99").status_code == 404


def test_the_graph_holds_the_largest_nodes_and_says_what_it_leaves_out(page: Page) -> None:
    found = asked(page, "/api/graph", nodes=10)
    known = {node["id"] for node in found["nodes"]}
    assert len(known) == 10
    assert all({link["source"], link["target"]} <= known for link in found["links"])
    assert found["left_out"]["nodes"] > 0
    link = found["links"][0]
    assert asked(page, "/api/overview", q=link["filter"])["totals"]["bytes"] == link["bytes"]


def test_dns(page: Page) -> None:
    found = asked(page, "/api/dns", limit=10)
    assert found["totals"]["queries"] == sum(found["series"]["queries"]) > 200
    assert found["totals"]["failed"] == sum(found["series"]["failed"]) > 0
    assert {row["code"] for row in found["failures"]} >= {"NXDOMAIN"}
    one = asked(page, "/api/dns", name="printer", limit=5)
    assert {row["name"] for row in one["transactions"]} == {row["name"] for row in one["names"]}
    assert all("printer" in row["name"] for row in one["transactions"])


def test_mirror_ports(page: Page) -> None:
    found = asked(page, "/api/spans")
    assert found["probes"][0]["packets"] == 3831
    assert any("both ingress and egress" in row["diagnosis"] for row in found["findings"])


def test_without_labels_there_are_no_countries(page: Page) -> None:
    found = asked(page, "/api/geography")
    assert found["countries"] == []
    assert found["unknown"]["flows"] == 503


def test_alerts_are_acknowledged_and_silenced(page: Page) -> None:
    found = asked(page, "/api/alerts")
    alert = found["alerts"][0]
    assert found["total"] == sum(found["counts"].values())
    path = f"/api/alerts/{alert['id']}/acknowledge"
    assert page.client.post(path, json={"note": "known"}).status_code == 403
    told = page.client.post(path, json={"note": "known"}, headers=OURS)
    assert told.json()["acknowledged"]["note"] == "known"
    assert asked(page, "/api/alerts")["alerts"][0]["acknowledged"]["note"] == "known"
    kept = json.loads((page.site.setup.state / "alerts.json").read_text())
    assert alert["id"] in kept["acknowledged"]
    assert page.client.delete(path, headers=OURS).json()["acknowledged"] is None
    assert page.client.post("/api/alerts/nobody/acknowledge", json={}, headers=OURS).status_code == 404
    silence = page.client.post("/api/silences", json={"rule": alert["rule"], "seconds": 60}, headers=OURS)
    assert silence.status_code == 201
    assert all(row["silenced"] for row in asked(page, "/api/alerts", rule=alert["rule"])["alerts"])
    assert page.client.delete(f"/api/silences/{silence.json()['id']}", headers=OURS).status_code == 204
    assert asked(page, "/api/silences")["silences"] == []


def test_rules_are_checked_and_tried_and_never_written(page: Page) -> None:
    before = {path: path.read_bytes() for path in page.data.rglob("*") if path.is_file()}
    rules = asked(page, "/api/rules")["rules"]
    assert "port-scan" in {rule["name"] for rule in rules} or len(rules) > 5
    good = page.client.post("/api/rules/check", json={"text": RULE}, headers=OURS).json()
    assert [rule["name"] for rule in good["rules"]] == ["much"]
    bad = page.client.post("/api/rules/check", json={"text": RULE.replace("match", "mach")}, headers=OURS).json()
    assert bad["ok"] is False
    assert bad["error"]["line"] == 6
    misspelt = RULE.replace("summary: much", "summary: '{sadr}, {value}'")
    wrong = page.client.post("/api/rules/check", json={"text": misspelt}, headers=OURS).json()["error"]
    assert wrong["text"][wrong["column"] - 1 :][: wrong["length"]] == "sadr"
    assert (wrong["line"], wrong["suggestion"]) == (5, "saddr")
    found = page.client.post("/api/rules/test", json={"text": RULE}, headers=OURS).json()
    assert found["records"] == 503
    assert found["count"] == flows(page.data, "bytes gt 20000")["saddr"].n_unique()
    named = page.client.post("/api/rules/test", json={"rule": rules[0]["name"]}, headers=OURS)
    assert named.status_code == 200
    assert {path: path.read_bytes() for path in page.data.rglob("*") if path.is_file()} == before


def test_a_flow_has_the_alerts_that_came_while_the_server_runs(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    name = asked(page, "/api/flows", q="tcp", limit=1)["rows"][0]["id"]
    came = replace(ALERT, flow_ids=(bytes.fromhex(name),))
    monkeypatch.setattr(page.site, "topics", SimpleNamespace(alerts=[came], findings={}))
    assert came.id in [each["id"] for each in asked(page, f"/api/flow/{name}")["alerts"]]


@pytest.mark.parametrize(
    "text",
    [
        RULE.replace("match: bytes gt 20000", "match: host in /etc/passwd"),
        RULE.replace("match: bytes gt 20000", "policy: /etc/passwd"),
        "rules: [" * 3000,
        "rules: !!python/object/apply:os.system [id]",
    ],
)
def test_rules_read_no_files_and_run_nothing(page: Page, text: str) -> None:
    found = page.client.post("/api/rules/check", json={"text": text}, headers=OURS)
    assert found.json()["ok"] is False
    assert "root:" not in found.text


def test_new_flows_and_alerts_reach_a_page_that_is_open(archive: Path, tmp_path: Path) -> None:
    from clients.web.serving.live_routes import _events
    from sinks.alerts.kept import keep_alerts
    from topics.alerts import Alert

    data = tmp_path / "data"
    data.mkdir()
    source = next(archive.rglob("*.parquet"))
    (data / "one.parquet").write_bytes(source.read_bytes())
    site = Site(setup_of(data, tmp_path))
    site.period = 0.01
    with TestClient(application(site), base_url="http://localhost") as client:
        wait_until_prepared(client)
        alert = Alert("feed", 0, "raised", "much", "low", (("saddr", "<script>"),), "<b>much</b>", 1, 1, 1, 1)

        async def heard() -> list[bytes]:
            found: list[bytes] = []
            async for event in _events(site, None, {"archive", "alert", "status"}):
                found.append(event)
                if len(found) == 1:
                    (data / "two.parquet").write_bytes(source.read_bytes())
                    site.archive.refresh()
                    keep_alerts(data, [alert])
                if len(found) == 3:
                    break
            return found

        assert client.portal is not None
        events = client.portal.call(heard)
    kinds = [event.split(b"\n")[0] for event in events]
    assert kinds[0] == b"event: status"
    assert sorted(kinds[1:]) == [b"event: alert", b"event: archive"]
    told = json.loads(next(event for event in events if b"event: archive" in event).split(b"data: ")[1])
    assert told["records"] == 1006


def test_a_database_shows_the_same(page: Page, tmp_path: Path) -> None:
    from clients.web.setup import Setup

    database = page.data / "flows.duckdb"
    site = Site(Setup(cache=tmp_path / "cache", state=tmp_path / "state", files=(str(database),), seconds=120.0))
    with TestClient(application(site), base_url="http://localhost") as client:
        wait_until_prepared(client)
        found = client.get("/api/overview").json()
    assert found["totals"]["bytes"] == flows(page.data)["bytes"].sum()
    assert isinstance(found["tops"]["addr"], list)


def test_labels_make_countries(page: Page, tmp_path: Path) -> None:
    from clients.reading.sources import to_batch
    from sinks.formats.parquet import ParquetWriter
    from sinks.formats.scan import scan

    frame = scan([str(next(page.data.rglob("*.parquet")))]).collect()
    labelled = frame.with_columns(pl.lit("sco=DE:dco=US:sas=64496:das=64497").alias("labels"))
    (tmp_path / "data").mkdir()
    writer = ParquetWriter(str(tmp_path / "data" / "flows.parquet"))
    writer.write(to_batch(labelled))
    writer.close()
    site = Site(setup_of(tmp_path / "data", tmp_path))
    with TestClient(application(site), base_url="http://localhost") as client:
        wait_until_prepared(client)
        found = client.get("/api/geography").json()
        by_country = {row["code"]: row for row in found["countries"]}
        assert by_country["DE"]["sent"] == flows(page.data)["sbytes"].sum()
        assert by_country["US"]["sent"] == flows(page.data)["dbytes"].sum()
        rows = client.get("/api/top", params={"by": "country", "metric": "flows"}).json()["rows"]
        assert client.get("/api/flows", params={"q": rows[0]["filter"], "limit": 1}).json()["total"] == frame.height
