from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clients.main import main
from tests.clients.inventories.asked import MAIL, WEB, found
from tests.clients.inventories.flows import file, flow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.inventories.asked import Capture


def test_what_changed_between_two_archives_is_told(tmp_path: Path, capfdbinary: Capture) -> None:
    def day(grown: int, *others: str) -> list[Any]:
        steady = [flow("10.0.0.1", WEB, at=second) for second in range(60)]
        more = [flow("10.0.0.2", MAIL, 25, at=second, dst_bytes=grown + second % 3) for second in range(60)]
        return [*steady, *more, *(flow(other, WEB, at=second) for other in others for second in range(30))]

    before = file(tmp_path / "before.parquet", *day(1000, "10.0.0.3"))
    now = file(tmp_path / "now.parquet", *day(9000, "10.0.0.4"))
    changes = found(capfdbinary, "racompare", "-r", now, "--baseline", before)
    assert {(row["change"], row["host"]) for row in changes} == {
        ("grown", "10.0.0.2"),
        ("grown", MAIL),
        ("gone", "10.0.0.3"),
        ("new", "10.0.0.4"),
    }
    assert all(row["sure"] == "yes" and row["p"] <= 0.01 for row in changes)
    everybody = found(capfdbinary, "racompare", "-r", now, "--baseline", before, "-M", "all")
    assert (WEB, "no") in {(row["host"], row["sure"]) for row in everybody}
    services = found(capfdbinary, "racompare", "-r", now, "--baseline", before, "-m", "services")
    assert [(row["change"], row["host"], row["port"]) for row in services] == [("grown", MAIL, "smtp")]
    ports = found(
        capfdbinary, "racompare", "-r", now, "--baseline", before, "-m", "dport", "--metric", "records", status=1
    )
    assert ports == []


def test_a_single_burst_is_no_trend(tmp_path: Path, capfdbinary: Capture) -> None:
    steady = [flow("10.0.0.1", WEB, at=second) for second in range(60)]
    burst = [flow("10.0.0.2", WEB, at=30, src_bytes=10**9)]
    now, before = (
        file(tmp_path / name, *records) for name, records in (("a.parquet", steady + burst), ("b.parquet", steady))
    )
    assert found(capfdbinary, "racompare", "-r", now, "--baseline", before, status=1) == []
    assert main(["racompare", "-r", now]) == 2
    assert "say what to compare with" in capfdbinary.readouterr().err.decode()
