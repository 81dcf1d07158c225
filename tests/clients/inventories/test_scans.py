from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.main import main
from tests.clients.flows import SECOND, START
from tests.clients.inventories.asked import found, rows
from tests.clients.inventories.flows import file, flow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.inventories.asked import Capture


@pytest.fixture
def scans(tmp_path: Path) -> str:
    """One host that tries 30 ports of another, and one that tries one port of 40; two of each answer."""
    ports = [flow("10.0.0.66", "10.0.0.5", port, at=port) for port in (22, 80)]
    ports += [flow("10.0.0.66", "10.0.0.5", port, at=port, answers=False) for port in range(1000, 1030)]
    hosts = [flow("198.51.100.7", f"10.0.1.{host}", 445, at=host) for host in (1, 2)]
    hosts += [flow("198.51.100.7", f"10.0.1.{host}", 445, at=host, answers=False) for host in range(3, 43)]
    return file(tmp_path / "scans.parquet", *ports, *hosts)


def test_scans_are_told_with_their_evidence(scans: str, capfdbinary: Capture) -> None:
    told = found(capfdbinary, "rascan", "-r", scans)
    assert [(row["rule"], row["scanner"], row["target"], row["tried"], row["answered"]) for row in told] == [
        ("horizontal-scan", "198.51.100.7", "dport 445", 40, 2),
        ("vertical-scan", "10.0.0.66", "10.0.0.5", 30, 2),
    ]
    assert told[1]["which"] == "1000 - 1029"
    assert told[0]["which"] == "10.0.1.3 - 10.0.1.42"
    begin = told[1]["query"].split()[1]
    assert begin == f"{START // SECOND + 1000}+31s"


def test_the_query_of_a_scan_selects_its_records(scans: str, capfdbinary: Capture) -> None:
    import shlex

    for row in found(capfdbinary, "rascan", "-r", scans):
        assert main(["racount", "-r", scans, *shlex.split(row["query"])]) == 0
        assert rows(capfdbinary)[1].split()[1] == str(row["records"])


def test_thresholds_and_rules_are_to_be_chosen(scans: str, capfdbinary: Capture) -> None:
    assert [row["rule"] for row in found(capfdbinary, "rascan", "-r", scans, "--over", "35")] == ["horizontal-scan"]
    assert len(found(capfdbinary, "rascan", "-r", scans, "--rule", "vertical-scan")) == 1
    assert main(["rascan", "-r", scans, "--rule", "beaconing"]) == 2
    assert "there is no rule of scans 'beaconing', but vertical-scan, " in capfdbinary.readouterr().err.decode()


def test_dark_is_an_address_from_which_nothing_came(scans: str, capfdbinary: Capture) -> None:
    told = found(capfdbinary, "radark", "-r", scans)
    assert [(row["scanner"], row["dark"], row["hosts"], row["answered"]) for row in told] == [
        ("198.51.100.7", 40, 42, 2)
    ]
    assert found(capfdbinary, "radark", "-r", scans, "-l", "10.0.0.0/24", status=1) == []
    assert main(["radark", "-r", scans, "-l", "everywhere"]) == 2


def test_only_scanners_from_outside_count_where_this_is_asked(tmp_path: Path, capfdbinary: Capture) -> None:
    inside = file(tmp_path / "inside.parquet", flow("10.0.0.1", "10.0.0.9", answers=False))
    assert [row["dark"] for row in found(capfdbinary, "radark", "-r", inside)] == [1]
    assert found(capfdbinary, "radark", "-r", inside, "-M", "outside", status=1) == []


def test_packets_of_captures_without_times_are_looked_at_too(tmp_path: Path, capfdbinary: Capture) -> None:
    """Simple blocks of pcapng have none: all of their packets are of the moment 0, which records have for nothing."""
    timeless = {"flow_start": 0, "src_first": 0, "src_last": 0}
    flows = [flow("10.0.0.1", f"10.0.2.{host}", answers=False, **timeless) for host in range(1, 40)]
    capture = file(tmp_path / "timeless.parquet", *flows)
    assert [row["dark"] for row in found(capfdbinary, "radark", "-r", capture)] == [39]
    assert [row["tried"] for row in found(capfdbinary, "rascan", "-r", capture)] == [39]
