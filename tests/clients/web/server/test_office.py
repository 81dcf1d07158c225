"""What views say of an office that told of its sockets and switches, was labelled, and was seen by two probes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from clients.main import main
from clients.reading.sources import to_batch
from clients.web.serving.app import application
from clients.web.site import Site
from clients.web.traffic.networks import network_of
from sinks.formats.parquet import ParquetWriter
from sinks.formats.scan import scan
from tests.clients.web import scene
from tests.clients.web.server.conftest import Page, setup_of, wait_until_prepared
from tests.clients.web.server.test_traffic import asked
from tests.traffic.sample.story import START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return a page on what scene.office leaves."""
    place = tmp_path_factory.mktemp("office")
    data = scene.office(place)
    site = Site(setup_of(data, place))
    with TestClient(application(site), base_url="http://localhost") as client:
        wait_until_prepared(client)
        yield Page(client, site, data)


def explained(office: Page, text: str) -> dict[str, Any]:
    row = asked(office, "/api/flows", q=text, limit=1)["rows"][0]
    told: dict[str, Any] = asked(office, f"/api/flow/{row['id']}", at=row["at"])
    return told


def test_a_flow_that_two_probes_saw_is_told_from_the_source_on(
    office: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(office, f"host {scene.TRAP} and srcid core")
    near, far = told["observers"]
    assert (near["probe"], near["order"], near["sttl"], near["dttl"]) == ("edge", 1, 64, 50)
    assert (far["probe"], far["order"], far["sttl"], far["dttl"]) == ("core", 2, 62, 52)
    assert (far["svlan"], near["svlan"]) == (99, None)
    assert far["clock"] == pytest.approx(0.001)
    assert far["later"] == pytest.approx(0.0004)
    assert "at edge the TTL of the source is 2 higher" in told["differences"]
    assert "at edge the frames have no VLAN instead of VLAN 99" in told["differences"]
    assert "edge saw it 0.400 ms earlier" in told["differences"]
    assert main(["explain", told["id"], "-R", str(office.data)]) == 0
    assert "Seen by edge, then core" in capsys.readouterr().out


def test_ends_are_told_as_of_then(office: Page) -> None:
    source = explained(office, f"host {scene.TRAP} and srcid edge")["ends"]["src"]
    told = {name: source[name] for name in ("process", "pid", "user", "sure", "switch", "switch_port", "mac")}
    assert told == {
        "process": "browser", "pid": 4711, "user": "ann", "sure": "exact",
        "switch": "switch-1", "switch_port": "Gi1/0/7", "mac": scene.CLIENT_MAC,
    }  # fmt: skip


def test_payload_is_read_as_its_protocol_has_it(office: Page, capsys: pytest.CaptureFixture[str]) -> None:
    told = explained(office, f"host {scene.TRAP} and srcid edge")
    hello = told["payload"]["src"]
    assert (hello["protocol"], hello["bytes"], hello["of"]) == ("tls", 517, 517)
    assert {fact["name"]: fact["value"] for fact in hello["facts"]}["tls.sni"] == scene.HOSTILE
    assert told["payload"]["dst"] is None
    page = explained(office, "tcp and dst port 80 and dappbytes gt 600")["payload"]
    assert page["src"]["says"].startswith("GET ")
    assert page["dst"]["bytes"] == 600 < page["dst"]["of"]
    assert main(["explain", told["id"], "-R", str(office.data)]) == 0
    assert "tls: client hello sni=" in capsys.readouterr().out


def test_a_host_is_told_with_where_it_was_and_who_used_it(office: Page) -> None:
    found = asked(office, f"/api/host/{scene.CLIENT}")
    port = found["attached"][0]
    assert (port["switch"], port["port"], port["station"]) == ("switch-1", "Gi1/0/7", "02-20-00-00-01-17")
    assert port["flows"] == found["totals"]["flows"]
    assert {row["process"] for row in found["used_by"]} == {"browser"}
    trap = asked(office, f"/api/host/{scene.TRAP}")
    assert [(row["as"], row["country"]) for row in trap["networks"]] == [("64498", "JP")]
    last = {"from": found["last"] - 60, "to": found["last"]}
    lately = asked(office, f"/api/host/{scene.CLIENT}", **last)
    assert lately["first_ever"] == found["first"] < lately["first"]


def test_scans_are_told_of_who_did_and_who_suffered_them(office: Page) -> None:
    suffered = asked(office, f"/api/host/{scene.SERVER}")
    assert [(row["did"], row["text"]) for row in suffered["scans"]] == [(False, "10.20.30.66 tried 97 TCP ports here")]
    assert asked(office, "/api/flows", q=suffered["scans"][0]["filter"], limit=1)["total"] == 97
    assert {row["port"] for row in suffered["services_offered"] if row["proto"] == "tcp"} == {22, 80, 443}
    did = asked(office, "/api/host/10.20.30.66")["scans"]
    assert [(row["did"], row["text"]) for row in did] == [(True, f"tried 97 TCP ports of {scene.SERVER}")]
    assert asked(office, "/api/flows", q=did[0]["filter"], limit=1)["total"] == 97


def test_countries_have_their_hosts_and_count_a_flow_once(office: Page) -> None:
    countries = {row["code"]: row for row in asked(office, "/api/geography")["countries"]}
    for row in countries.values():
        assert asked(office, "/api/flows", q=row["filter"], limit=1)["total"] == row["flows"]
    japan = countries["JP"]
    hosts = {row["key"] for row in japan["largest"]}
    assert scene.TRAP in hosts
    assert all(host.startswith("203.0.113.") for host in hosts)
    assert japan["hosts"] == len(hosts)
    assert sum(row["bytes"] for row in japan["largest"]) == japan["bytes"]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.20.1.23", "10.20.1.0/24"),
        ("2001:db8:20:1::17", "2001:db8:20:1::/64"),
        ("::1", "::/64"),
        ("02:20:00:00:01:17", ""),
        ("", ""),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_graph_of_networks_leads_to_what_they_have_with_each_other(office: Page) -> None:
    found = asked(office, "/api/graph", by="net")
    assert {"10.20.1.0/24", "2001:db8:20:1::/64"} <= {node["id"] for node in found["nodes"]}
    links = {(link["source"], link["target"]): link for link in found["links"]}
    assert any(one == other for one, other in links)
    for link in links.values():
        assert asked(office, "/api/flows", q=link["filter"], limit=1)["total"] == link["flows"], link


def test_domains_that_were_not_asked_for_before_are_news(office: Page) -> None:
    halfway = START // scene.SECOND + 120
    found = asked(office, "/api/new", **{"from": halfway, "to": halfway + 480, "limit": 50})["domains"]
    names = [row["key"] for row in found]
    before = asked(office, "/api/dns", **{"from": halfway - 120, "to": halfway - 1, "limit": 1000})["names"]
    assert names
    assert not set(names) & {".".join(row["name"].lower().split(".")[-2:]) for row in before}
    assert found == sorted(found, key=lambda row: (row["first"], row["key"]))
    assert asked(office, "/api/new")["domains"] == []  # nothing is kept of the day before


def test_status_records_are_told_with_the_files_and_messages_that_hold_them(
    office: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = explained(office, "dst port 22 and src host 10.20.1.23")
    records = scan([str(path) for path in office.data.rglob("*.parquet")]).filter(
        pl.col("flow_id") == bytes.fromhex(flow["id"])
    )
    batch = to_batch(records.collect())
    for number in range(2):
        batch.records["status_sequence"] = number
        writer = ParquetWriter(str(tmp_path / f"{number}.parquet"))
        writer.describe({"offsets": {"argosy.flow-status.v1/0": [number, number + 5]}})
        writer.write(batch)
        writer.close()
    assert main(["explain", flow["id"], "-R", str(tmp_path), "-M", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [record["sequence"] for record in told["records"]] == [0, 1]
    assert told["timeline"]["sbytes"] != []
    assert [each["offsets"] for each in told["merged_from"]["kept"]] == [
        {"argosy.flow-status.v1/0": [0, 5]},
        {"argosy.flow-status.v1/0": [1, 6]},
    ]
    assert main(["explain", flow["id"], "-R", str(tmp_path)]) == 0
    assert "with offsets 1 to 6 of argosy.flow-status.v1/0" in capsys.readouterr().out


def test_every_flow_is_explained(office: Page) -> None:
    rows = asked(office, "/api/flows", limit=1000)["rows"]
    assert len(rows) > 500
    for row in rows[::60]:
        assert asked(office, f"/api/flow/{row['id']}", at=row["at"])["id"] == row["id"]
