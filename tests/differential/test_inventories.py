"""Inventories beside those of Argus, on the same records: rahosts, raports, rapath, rapolicy, rarpwatch, radark."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clients.main import main
from sinks.formats import open_writer
from tests.argus_records import argus_tools, read_argus, run_argus
from tests.traffic.attacks import attack_frames
from tests.traffic.pcap import write_pcap

RECORDS = Path(__file__).parents[1] / "topics" / "argus" / "sample.argus"
Capture = pytest.CaptureFixture[bytes]
LISTED = re.compile(r"(?:.* -r \S+ (?:- \w+ )?)?(\S+?(?: tcp| udp)?): \((\d+)\) ?(.*)")
# rahosts asks POSIX for the name of a temporary file, which Perl took away in 5.26.
OLD_PERL = "package OldPerl; use POSIX (); { no warnings; *POSIX::tmpnam = sub { '/nonexistent/rahosts' }; } 1;\n"
ENVIRONMENT = {"TZ": "UTC", "PATH": "/usr/sbin:/usr/bin:/bin"}


@pytest.fixture(autouse=True)
def in_utc(utc: None) -> None:
    """Both print times of UTC."""
    argus_tools()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The records of Argus, in a file of ours."""
    return converted(RECORDS, tmp_path_factory.mktemp("records") / "sample.parquet")


def converted(records: Path, target: Path) -> str:
    with open_writer(str(target)) as writer:
        writer.write(read_argus(records))
    return str(target)


def theirs(*command: str, where: Path | None = None) -> list[str]:
    """Lines that a tool of Argus prints."""
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=ENVIRONMENT, cwd=where)
    return [line.strip() for line in done.stdout.decode("latin-1").splitlines()]


def mine(capture: Capture, *command: str) -> list[dict[str, Any]]:
    """What ours says."""
    capture.readouterr()
    assert main([command[0], "-M", "json", *command[1:]]) == 0
    return [json.loads(line) for line in capture.readouterr().out.decode().splitlines()]


def listed(lines: list[str]) -> dict[str, tuple[int, str]]:
    """What the scripts of Argus list: of whom, how many, which."""
    found = (LISTED.fullmatch(line) for line in lines)
    return {match[1]: (int(match[2]), match[3]) for match in found if match}


def test_hosts_have_the_peers_of_rahosts(ours: str, tmp_path: Path, capfdbinary: Capture) -> None:
    (tmp_path / "OldPerl.pm").write_text(OLD_PERL)
    command = ("perl", f"-I{tmp_path}", "-MOldPerl", "/usr/bin/rahosts", "-r", str(RECORDS), "-", "ipv4")
    argus = listed(theirs(*command))
    assert len(argus) > 20
    found = mine(capfdbinary, "rahosts", "-M", "src", "-r", ours, "-", "ipv4")
    assert {row["host"]: (row["peers"], row["with"]) for row in found} == argus


@pytest.mark.parametrize("side", ["dst", "src"])
def test_hosts_have_the_ports_of_raports(side: str, ours: str, capfdbinary: Capture) -> None:
    argus = listed(theirs("/usr/bin/raports", "-M", side, "-n", "-r", str(RECORDS), "-", "tcp"))
    assert len(argus) > 10
    found = mine(capfdbinary, "raports", "-M", side, "all", "hosts", "-r", ours, "-", "tcp")
    assert {f"{row['host']} tcp": (row["count"], row["ports"]) for row in found} == argus


def test_paths_are_those_of_rapath(ours: str, capfdbinary: Capture) -> None:
    lines = theirs("rapath", "-X", "-c", ",", "-r", str(RECORDS), "-s", "inode", "sttl", "mean", "max", "min", "trans")
    argus = [[float(each) if each[-4:-3] != "." and place else each for place, each in enumerate(line.split(","))]
             for line in lines[1:] if line]  # fmt: skip
    found = mine(capfdbinary, "rapath", "-r", ours)
    names = ("router", "hop", "mean", "max", "min", "count")
    assert [[row[name] for name in names] for row in found] == [
        [row[0], *(pytest.approx(value, abs=2e-6) for value in row[1:])] for row in argus
    ]
    for options in (("-A", "-q"), ("-A", "-q", "-M", "addr"), ("-A", "-q", "-M", "aspath", "addr", "dist")):
        drawn = theirs("rapath", "-X", *options, "-r", str(RECORDS))
        assert main(["rapath", *options, "-r", ours]) == 0
        path = capfdbinary.readouterr().out.decode().strip()
        assert path.partition("(")[2] == drawn[0].partition("(")[2]


ACL = """\
! the edge
access-list 100 permit tcp any any eq 443
access-list 100 remark names
access-list 100 permit udp any any eq 53 log
access-list 100 deny tcp any any range 20 23
access-list 100 deny icmp any any echo
access-list 100 permit udp 10.20.1.0 0.0.0.255 any lt 1000
access-list 100 permit ip 10.20.1.22 0.0.0.0 any
access-list 100 permit tcp any gt 40000 10.20.5.0 0.0.0.255
"""


@pytest.mark.parametrize("shown", ["label", "permit", "deny"])
def test_records_meet_the_lines_that_rapolicy_says(shown: str, ours: str, tmp_path: Path, capfdbinary: Capture) -> None:
    (tmp_path / "acl").write_text(ACL)
    conf = tmp_path / "rapolicy.conf"
    conf.write_text(
        f'RA_POLICY_JUST_LABEL="{"yes" if shown == "label" else "no"}"\nRA_POLICY_SHOW_WHICH="{shown}"\n'
        'RA_POLICY_LABEL_ALL="yes"\nRA_POLICY_LABEL_IMPLICIT="yes"\n'
        f'RA_POLICY_ACL_FILE="{tmp_path / "acl"}"\n'
    )
    options = ("-n", "-c", ",", "-u", "-L", "-1", "-s", "stime", "proto", "saddr", "sport", "daddr", "dport", "label")
    argus = theirs("rapolicy", "-X", "-f", str(conf), "-r", str(RECORDS), *options, "-", "ip")
    assert main(["rapolicy", "-f", str(conf), "-r", ours, *options, "-", "ip"]) == 0
    found = [line.strip() for line in capfdbinary.readouterr().out.decode().splitlines()]
    assert len(found) > 5
    assert [line.split(",") for line in found] == [line.split(",") for line in argus]


def test_stations_are_who_asked_in_what_rarpwatch_prints(ours: str, capfdbinary: Capture) -> None:
    lines = theirs("rarpwatch", "-X", "-c", ",", "-L", "-1", "-r", str(RECORDS), "-s", "saddr")
    found = mine(capfdbinary, "rarpwatch", "-r", ours, "-", "arp and src pkts gt 0")
    assert {row["address"] for row in found} == {line for line in lines if line and line != "0.0.0.0"}


def test_who_sent_to_dark_addresses_is_a_scanner_of_radark_too(tmp_path: Path, capfdbinary: Capture) -> None:
    write_pcap(tmp_path / "attacks.pcap", attack_frames(1))
    run_argus(tmp_path / "attacks.pcap", tmp_path / "attacks.argus")
    network = "10.20.5.0/24"
    report = theirs("/usr/bin/radark", "-L", network, "-R", "attacks.argus", where=tmp_path)
    argus = {words[0]: int(words[2]) for line in report if "scanned" in (words := line.split())}
    records = converted(tmp_path / "attacks.argus", tmp_path / "attacks.parquet")
    found = mine(capfdbinary, "radark", "-M", "outside", "-l", network, "-r", records)
    assert len(found) == 3
    assert {row["scanner"]: row["hosts"] for row in found}.items() <= argus.items()
