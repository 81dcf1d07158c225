"""`argosy alerts` and `argosy run --rules` by hand, over generated attacks and clean traffic of the same length."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from tests.traffic.attacks import ATTACKS, INTRUDER, LISTED, attack_frames, clean_frames
from tests.traffic.pcap import write_pcap

if TYPE_CHECKING:
    from pathlib import Path

# What the starter set finds in clean traffic, which docs/guides/alerts.md tells too: its mirror port is faulty indeed.
IN_CLEAN_TRAFFIC = {"mirror-faulty": 1}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data directories of `argosy run`: `attacked` and `clean`."""
    place = tmp_path_factory.mktemp("alerts")
    (place / "drop.txt").write_text(LISTED + "\n")
    (place / "labels.yaml").write_text("blocked_addresses: {drop: drop.txt}\n")
    for name, frames in (("attacked", attack_frames(1)), ("clean", clean_frames(1))):
        write_pcap(place / f"{name}.pcap", frames)
        options = ["--data", str(place / name), "--rules", "starter", "--labels", str(place / "labels.yaml"), "-q"]
        assert main(["run", "-r", str(place / f"{name}.pcap"), *options]) == 0
    return place


def raised(directory: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert main(["alerts", "list", "-R", str(directory), "-M", "json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_attack_is_found_and_nothing_else(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Counter(str(alert["rule"]) for alert in raised(kept / "attacked", capsys))
    assert found == Counter(ATTACKS.keys()) + Counter(IN_CLEAN_TRAFFIC)


def test_false_alerts_in_clean_traffic_are_as_documented(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Counter(alert["rule"] for alert in raised(kept / "clean", capsys)) == IN_CLEAN_TRAFFIC


def test_the_query_of_an_alert_shows_its_records(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for alert in raised(kept / "attacked", capsys):
        if alert["query"]:
            words = str(alert["query"]).split(" ", 3)
            assert main(["ra", "-R", str(kept / "attacked"), *words[:2], "-s", "saddr", "-", words[3].strip("'")]) == 0


def test_the_past_is_tried_with_one_rule(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    data = ["-R", str(kept / "attacked")]
    assert main(["alerts", "test", "starter", *data, "--rule", "vertical-scan", "-M", "query"]) == 0
    out = capsys.readouterr().out
    assert f"{INTRUDER} tried" in out
    assert "argosy ra -R DIR -t " in out
    assert main(["alerts", "test", *data, "--rule", "dns-tunnel"]) == 0
    assert "tunnel.example" in capsys.readouterr().out
    assert main(["alerts", "test", "-R", str(kept / "clean"), "--rule", "vertical-scan"]) == 1
    assert main(["alerts", "test", *data, "--rule", "nothing"]) == 2
    assert "there is no rule 'nothing' in the starter set" in capsys.readouterr().err


def test_lists_are_cut_by_severity_rule_and_time(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["alerts", "list", "-R", str(kept / "attacked")]
    capsys.readouterr()
    assert main([*data, "--severity", "critical"]) == 1
    assert main([*data, "--rule", "policy", "--severity", "medium"]) == 0
    assert "port 3389" in capsys.readouterr().out
    assert main([*data, "-t", "2020/01/01"]) == 1
    assert main([*data, "--severity", "worst"]) == 2
    assert "not 'worst'" in capsys.readouterr().err
    assert main(["alerts", "list"]) == 2
    assert main(["alerts", "lst"]) == 2
    assert "list" in capsys.readouterr().err


def test_the_summary_of_a_run_shows_alerts(tmp_path: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.yaml").write_text(
        "rules: [{name: one, match: tcp and dst port 22, by: daddr, summary: 'ssh to {daddr}'}]"
    )
    options = ["--data", str(tmp_path / "data"), "--rules", str(tmp_path / "r.yaml")]
    assert main(["run", "-r", str(kept / "clean.pcap"), *options]) == 0
    assert "Alerts\n  medium: ssh to 10.20.5.30\n" in capsys.readouterr().out


def test_rules_are_checked_and_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "check", "-v"]) == 0
    out = capsys.readouterr().out
    assert "Argus's radark" in out
    assert out.splitlines()[-1] == "20 rules and 0 silences, all right"
    (tmp_path / "r.yaml").write_text("rules:\n- name: one\n  match: tcp and\n")
    assert main(["alerts", "check", str(tmp_path / "r.yaml")]) == 2
    assert f"argosy alerts: {tmp_path / 'r.yaml'}: line 3: rule 'one': match: filter: " in capsys.readouterr().err
    assert main(["alerts", "run", "--bus", "kafka://127.0.0.1:1", "--rules", str(tmp_path / "r.yaml")]) == 2


def test_channels_are_tried_without_kafka(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.sinks.alerts.servers import WebServer

    with WebServer() as server:
        text = f"channels: [{{name: hook, webhook: {{url: '{server.url}'}}}}]"
        (tmp_path / "c.yaml").write_text(text)
        assert main(["sink", "alerts", "--channels", str(tmp_path / "c.yaml"), "--try"]) == 0
        server.answers.append(404)
        assert main(["sink", "alerts", "--channels", str(tmp_path / "c.yaml"), "--try"]) == 1
    assert server.ids == ["0" * 16, "0" * 16]
    assert "hook: answered 404" in capsys.readouterr().out
