from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from tests.clients.flows import SECOND, START
from tests.clients.inventories.asked import MAIL, WEB, found, rows

if TYPE_CHECKING:
    from tests.clients.inventories.asked import Capture


def test_hosts_have_their_peers_and_when_they_talked(office: str, capfdbinary: Capture) -> None:
    hosts = {row["host"]: row for row in found(capfdbinary, "rahosts", "-r", office)}
    assert set(hosts) == {"10.0.0.1", "10.0.0.2", "10.0.0.3", WEB, MAIL, "2001:db8::1", "2001:db8::80"}
    assert hosts[WEB] == {
        "host": WEB,
        "peers": 2,
        "records": 3,
        "began": 0,
        "sent_packets": 6,
        "got_packets": 6,
        "sent_bytes": 6000,
        "got_bytes": 600,
        "first": "2023-11-14T22:13:20.000",
        "last": "2023-11-14T22:14:31.000",
        "with": "10.0.0.1 - 10.0.0.2",
    }
    assert hosts["10.0.0.3"]["with"] == "10.0.0.99 - 10.0.0.100"


def test_hosts_may_be_listed_by_pair_and_as_argus_does(office: str, capfdbinary: Capture) -> None:
    pairs = found(capfdbinary, "rahosts", "-r", office, "-M", "pairs", "-", "host", "10.0.0.2")
    assert [(row["host"], row["peer"], row["records"], row["began"]) for row in pairs] == [
        ("10.0.0.2", WEB, 2, 2),
        (WEB, "10.0.0.2", 2, 0),
    ]
    sources = found(capfdbinary, "rahosts", "-r", office, "-M", "src")
    assert [row["host"] for row in sources] == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1"]


def test_tables_are_aligned_for_people_and_plain_for_programs(office: str, capfdbinary: Capture) -> None:
    assert main(["rahosts", "-r", office, "-s", "host", "first", "with", "-", "host", MAIL]) == 0
    assert capfdbinary.readouterr().out.decode().splitlines() == [
        "      Host               First With       ",
        "  10.0.0.1 2023-11-14 22:13:25 192.0.2.25",
        "192.0.2.25 2023-11-14 22:13:25 10.0.0.1",
    ]
    assert main(["rahosts", "-r", office, "-c", ",", "-u", "-p", "1", "-s", "host,with,last", "-N", "o1"]) == 0
    assert rows(capfdbinary) == ["Host,With,Last", f'10.0.0.1,"{WEB}, {MAIL}",{START // SECOND + 6}.0']
    assert main(["rahosts", "-r", office, "-s", "hots"]) == 2
    assert "unknown column 'hots'; did you mean 'host'?" in capfdbinary.readouterr().err.decode()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("rahosts",), "no hosts: no record was selected"),
        (("raports",), "no services: "),
        (("rascan",), "no scans: "),
        (("radark",), "nobody sent to dark addresses of 10.0.0.0/8, "),
        (("rarpwatch",), "no ARP and no neighbour discovery "),
        (("rapath",), "no paths: "),
        (("racompare", "--before", "2020"), "nothing to compare"),
    ],
)
def test_nothing_is_said_to_be_nothing(command: tuple[str, ...], said: str, office: str, capfdbinary: Capture) -> None:
    for times in ((), ("-t", "2020")):  # a filter that selects nothing, a file that need not be read
        assert main([*command, "-r", office, *times, "-", "port", "9"]) == 1
        printed = capfdbinary.readouterr()
        assert printed.out == b""
        assert said in printed.err.decode()


@pytest.mark.parametrize("command", ["rahosts", "rascan", "rarpwatch"])
def test_a_damaged_file_is_named(command: str, office: str, tmp_path: Path, capfdbinary: Capture) -> None:
    damaged = bytearray(Path(office).read_bytes())
    for place in range(100, len(damaged) // 2, 7):
        damaged[place] ^= 0xFF
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(damaged)
    assert main([command, "-r", str(broken)]) == 2
    assert str(broken) in capfdbinary.readouterr().err.decode()
