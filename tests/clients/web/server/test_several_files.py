"""What is asked of several files at once, one of them small, of hosts of which both ends are in one country."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from clients.main import main
from clients.web.serving.app import application
from clients.web.site import Site
from tests.clients.web.server.conftest import Page, setup_of, wait_until_prepared
from tests.traffic.attacks import vertical_scan
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import START, sample_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

SCANNED = 900  # seconds after the start of the sample


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return a page on the sample and on a scan a quarter of an hour later, each in a file of its own."""
    place = tmp_path_factory.mktemp("several")
    (place / "networks.txt").write_text("10.20.0.0/16 co=NL\n203.0.113.0/24 co=JP\n")
    (place / "labels.yaml").write_text("addresses: [networks.txt]\n")
    scan = list(vertical_scan(START + SCANNED * 10**9))
    for name, frames in (("sample", sample_frames(1)), ("scan", scan)):
        write_pcap(place / f"{name}.pcap", frames)
        words = ["--data", str(place / "data"), "--labels", str(place / "labels.yaml"), "-e", "tap"]
        assert main(["run", "-q", "-r", str(place / f"{name}.pcap"), "--rules", "starter", *words]) == 0
    with TestClient(application(site := Site(setup_of(place / "data", place))), base_url="http://localhost") as client:
        wait_until_prepared(client)
        yield Page(client, site, place / "data")


def asked(page: Page, path: str, **said: Any) -> dict[str, Any]:
    answer = page.client.get(path, params=said)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("keys", ["saddr,dport", "sport", "proto,dport,sttl"])
def test_groups_are_those_of_racluster(several: Page, keys: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(several, "/api/flows", group=keys, q="ip", fields="trans", limit=1000)
    capsys.readouterr()
    words = ["racluster", "-R", str(several.data), "-m", *keys.split(","), "-c", ",", "-L", "-1", "-s", "trans"]
    assert main([*words, "-", "ip"]) == 0
    told = [int(line) for line in capsys.readouterr().out.splitlines() if line.isdigit()]
    assert sorted(row["values"][-1] for row in found["rows"]) == sorted(told)


def test_a_flow_with_both_ends_in_a_country_counts_there_once(several: Page) -> None:
    tops = {row["key"]: row["bytes"] for row in asked(several, "/api/top", by="country")["rows"]}
    assert set(tops) == {"NL", "JP"}
    for bins in (3, 200):  # of minutes that were added up before, and of flows
        found = asked(several, "/api/series", by="country", bins=bins)
        assert {line["key"]: line["total"] for line in found["series"]} == tops


def test_others_are_what_the_chosen_leave_of_all_traffic(several: Page) -> None:
    found = asked(several, "/api/series", by="addr", top=1, bins=20)
    whole = asked(several, "/api/series", by="", bins=20)["series"][0]["values"]
    for all_, chosen, rest in zip(whole, found["series"][0]["values"], found["rest"]["values"], strict=True):
        assert chosen + rest == all_


def test_of_a_long_time_its_last_part_is_what_may_be_new(several: Page) -> None:
    found = asked(several, "/api/new", against=300, limit=2)
    assert found["since"] > START // 10**9 + SCANNED - 300
    assert found["baseline"]["from"] < found["since"] == found["baseline"]["to"]
    assert len(found["services"]) == 2 < found["counts"]["services"]
    assert all(row["first"] >= found["since"] for row in found["services"])


def test_an_alert_that_is_pointed_at_is_among_those_shown(several: Page) -> None:
    every = [alert["id"] for alert in asked(several, "/api/alerts")["alerts"]]
    shown = asked(several, "/api/alerts", limit=1, alert=every[-1])
    assert [alert["id"] for alert in shown["alerts"]] == [every[-1], every[0]]
    assert shown["total"] == len(every)
    again = asked(several, "/api/alerts", limit=1, alert=every[0])["alerts"]
    assert [alert["id"] for alert in again] == [every[0]]
