from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clients.main import main
from tests.clients.flows import SECOND, START
from tests.clients.inventories.asked import found, rows
from tests.clients.inventories.flows import arp, file
from topics.flags import FlowFlags

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.clients.inventories.asked import Capture

OLD, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:66"


def test_stations_that_are_new_and_addresses_that_move_are_told(tmp_path: Path, capfdbinary: Capture) -> None:
    macs = (OLD, OTHER, OLD)
    claims = [arp("10.0.0.1", mac, "10.0.0.9", at=10 * turn) for turn, mac in enumerate(macs)]
    records = file(tmp_path / "arp.parquet", arp("10.0.0.66", OTHER, "10.0.0.1", at=1), *claims)
    told = found(capfdbinary, "rarpwatch", "-r", records)
    assert [(row["event"], row["address"], row["mac"], row["was"], row["also"]) for row in told] == [
        ("new station", "10.0.0.1", OLD, None, None),
        ("new station", "10.0.0.66", OTHER, None, None),
        ("changed", "10.0.0.1", OTHER, OLD, "10.0.0.66"),
        ("flip-flop", "10.0.0.1", OLD, OTHER, None),
    ]


def test_a_state_file_remembers_stations(tmp_path: Path, capfdbinary: Capture) -> None:
    state = tmp_path / "arp.dat"
    state.write_text("2:0:0:0:0:1\t10.0.0.1\t1600000000\trouter\n")  # as arpwatch writes it
    records = file(tmp_path / "arp.parquet", arp("10.0.0.1", OTHER, "10.0.0.9", at=0))
    command = ("rarpwatch", "-r", records, "-f", str(state))
    assert [(row["event"], row["was"]) for row in found(capfdbinary, *command)] == [("changed", OLD)]
    assert found(capfdbinary, *command, status=1) == []
    assert state.read_text() == f"{OLD}\t10.0.0.1\t1600000000\n{OTHER}\t10.0.0.1\t{START // SECOND + 1}\n"
    state.write_text("nonsense\n")
    assert main(list(command)) == 2
    assert f"{state}: line 1 is no station" in capfdbinary.readouterr().err.decode()


def test_changes_are_told_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Capture) -> None:
    from clients.inventory import beside

    monkeypatch.setattr(beside, "is_read_twice", lambda _: False)
    parts = [file(tmp_path / f"{mac[-2:]}.arrow", arp("10.0.0.1", mac, "10.0.0.9", at=0)) for mac in (OLD, OTHER)]
    assert main(["rarpwatch", "-f", str(tmp_path / "state"), "-r", *parts, "-s", "event", "mac"]) == 0
    assert rows(capfdbinary) == ["Event MAC", f"new station {OLD}", f"changed {OTHER}"]
    assert len((tmp_path / "state").read_text().splitlines()) == 2
    assert main(["rarpwatch", "-r", parts[0], "-M", "changes"]) == 1
    assert b"nothing changed" in capfdbinary.readouterr().err


def test_who_was_asked_by_a_broadcast_has_not_its_address(tmp_path: Path, capfdbinary: Capture) -> None:
    answered: dict[str, Any] = {"dst_packets": 1, "dst_first": START, "dst_last": START}
    records = file(
        tmp_path / "arp.parquet",
        arp("10.0.0.1", OLD, "10.0.0.2", at=0, **answered, flow_flags=int(FlowFlags.MULTIPLE_MACS)),
        arp("10.0.0.1", OLD, "10.0.0.3", at=1, told=OTHER, **answered),
    )
    stations = found(capfdbinary, "rarpwatch", "-r", records, "-M", "stations")
    assert [(row["address"], row["mac"]) for row in stations] == [("10.0.0.1", OLD), ("10.0.0.3", OTHER)]
