from __future__ import annotations

from typing import TYPE_CHECKING

from clients.main import main
from tests.clients.inventories.asked import MAIL, WEB, found
from tests.clients.inventories.flows import ACCEPTED, file, flow
from topics.flags import TcpState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.inventories.asked import Capture


def test_services_are_those_that_answered(office: str, capfdbinary: Capture) -> None:
    services = found(capfdbinary, "raports", "-r", office)
    assert [(row["host"], row["port"], row["clients"], row["records"]) for row in services] == [
        (WEB, "https", 2, 3),
        (MAIL, "smtp", 1, 1),
        ("2001:db8::80", "https", 1, 1),
    ]
    tried = found(capfdbinary, "raports", "-r", office, "-M", "all", "-n", "-", "port", "22")
    assert [(row["host"], row["port"], row["state"]) for row in tried] == [
        ("10.0.0.99", 22, "silent"),
        ("10.0.0.100", 22, "silent"),
    ]
    by_host = found(capfdbinary, "raports", "-r", office, "-M", "src", "hosts", "-", "host", "10.0.0.2")
    assert [(row["host"], row["count"], row["ports"]) for row in by_host] == [("10.0.0.2", 2, "50000 - 50001")]


def test_a_connection_seen_from_its_midst_is_of_the_lower_port(tmp_path: Path, capfdbinary: Capture) -> None:
    amidst = flow(WEB, "10.0.0.1", 50_000, src_port=443, tcp_state=int(ACCEPTED) & ~3, src_app_bytes=10)
    accepts = flow(WEB, "10.0.0.2", 50_000, answers=False, src_port=443, tcp_state=int(TcpState.SYN_ACK))
    services = found(capfdbinary, "raports", "-r", file(tmp_path / "midst.parquet", amidst, accepts))
    assert [(row["host"], row["port"], row["clients"]) for row in services] == [(WEB, "https", 2)]


def test_services_are_new_and_gone_since_a_baseline(office: str, tmp_path: Path, capfdbinary: Capture) -> None:
    before = file(tmp_path / "before.parquet", flow("10.0.0.1", WEB), flow("10.0.0.1", "10.0.0.9", 22))
    command = ("raports", "-r", office, "--baseline", before)
    changes = [(row["change"], row["host"]) for row in found(capfdbinary, *command, "-", "ipv4")]
    assert changes == [("gone", "10.0.0.9"), ("new", MAIL)]
    everything = found(capfdbinary, *command, "-M", "all", "-", "ipv4")
    assert ("kept", WEB, 3) in [(row["change"], row["host"], row["records"]) for row in everything]
    assert main(["raports", "-r", before, "--baseline", before]) == 1
    assert "no service is new, none is gone" in capfdbinary.readouterr().err.decode()


def test_one_file_may_hold_both_times(office: str, capfdbinary: Capture) -> None:
    later = ("-t", "2023/11/14.22:14:00-22:15", "--before", "2023/11/14.22:13:00-22:13:59")
    changes = found(capfdbinary, "raports", "-r", office, *later, "-M", "all")
    assert [(row["change"], row["host"]) for row in changes if row["state"] == "open"] == [
        ("kept", WEB),
        ("gone", MAIL),
        ("gone", "2001:db8::80"),
    ]
