"""The commands that look into payload beside those of Argus, on the same records."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from sinks.formats import open_writer
from tests.argus_records import argus_tools, read_argus, run_argus
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Records with payload as Argus wrote them, and the same in a file of ours."""
    argus_tools()
    place = tmp_path_factory.mktemp("payload")
    write_pcap(place / "sample.pcap", sample_frames(1))
    run_argus(place / "sample.pcap", place / "sample.argus", "-U", "512", "-J")
    with open_writer(str(place / "sample.parquet")) as writer:
        writer.write(read_argus(place / "sample.argus"))
    return str(place / "sample.argus"), str(place / "sample.parquet")


def theirs(program: str, records: Path | str, *options: str) -> str:
    """What a tool of Argus prints; some end in an error of their own after that."""
    done = subprocess.run([program, "-X", "-r", str(records), *options], capture_output=True, check=False, timeout=60)
    return done.stdout.decode("latin-1")


def mine(capture: Capture, *command: str) -> str:
    """What ours prints."""
    assert main(list(command)) in (0, 1)
    return capture.readouterr().out.decode()


def test_the_same_names_are_asked_for_as_radump_says(records: tuple[str, str], capfdbinary: Capture) -> None:
    asked = theirs("radump", records[0], "-s", "suser:200", "-", "port", "domain")
    names = sorted(re.findall(r"\] (?:A|AAAA|PTR|HTTPS|SRV|MX)\? (\S+?)\.? ", asked))
    ours = mine(
        capfdbinary, "radump", "-r", records[1], "-L", "-1", "-s", "dns.name:80", "dns.type", "-", "port", "domain"
    )
    found = sorted(line.split()[0] for line in ours.splitlines() if line.split()[1:] and line.split()[1] in
                   {"A", "AAAA", "PTR", "HTTPS", "SRV", "MX"})  # fmt: skip
    assert names
    assert found == names


@pytest.mark.parametrize(
    "options",
    [
        ["-e", "HTTP"],
        ["-e", "^GET.*Host"],
        ["-e", "s:^(GET|POST)"],
        ["-e", "d:200 OK"],
        ["-i", "-e", "user-AGENT"],
        ["-v", "-e", "HTTP"],
        ["-e", "[0-9]{3} (OK|Not)"],
        ["-e", "nothing like it"],
    ],
)
def test_the_same_records_match_as_for_ragrep(
    options: list[str], records: tuple[str, str], capfdbinary: Capture
) -> None:
    shown = ("-nn", "-u", "-s", "stime", "saddr", "sport", "daddr", "dport")
    rest = ("-", "ip", "and", "appbytes", "gt", "0")
    argus = theirs("ragrep", records[0], *options, *shown, *rest).splitlines()
    ours = mine(capfdbinary, "ragrep", "-r", records[1], *options, *shown, *rest).splitlines()
    assert sorted(line.split() for line in ours) == sorted(line.split() for line in argus)


def test_signatures_of_ours_label_the_same_flows_with_raservices(
    records: tuple[str, str], tmp_path: Path, capfdbinary: Capture
) -> None:
    signatures, shown = (
        str(tmp_path / "own.sig"),
        ("-nn", "-u", "-s", "stime", "saddr", "sport", "daddr", "dport", "label:30"),
    )
    services = ("-", "port 53 or port 80 or port 22 or port 123")
    mine(capfdbinary, "rauserdata", "-r", records[1], "-w", signatures, "--least", "2", *services)
    ours = mine(capfdbinary, "raservices", "-f", signatures, "-r", records[1], *shown, *services)
    argus = theirs("raservices", records[0], "-f", signatures, *shown, *services)
    labels = [
        {
            tuple(line.split("srv=")[0].split()): line.split("srv=")[1].strip()
            for line in text.splitlines()
            if "srv=" in line
        }
        for text in (ours, argus)
    ]
    assert len(labels[0]) > 200
    both = labels[0].keys() & labels[1].keys()
    assert len(both) >= 0.95 * len(labels[1])
    assert all(":" in "".join(key) for key in labels[0].keys() - both)  # IPv6, of which raservices says nothing
    assert all(labels[0][key] == labels[1][key] for key in both)


def test_rauserdata_learns_the_same_beginnings(records: tuple[str, str], capfdbinary: Capture) -> None:
    theirs_text = theirs("rauserdata", records[0], "-M", "printer=encode32")
    ours = mine(capfdbinary, "rauserdata", "-r", records[1])
    services = [set(re.findall(r"^Service: (\w+) +(tcp|udp) port", text, re.MULTILINE)) for text in (ours, theirs_text)]
    known = {("http", "tcp"), ("domain", "udp"), ("ssh", "tcp")}
    assert known <= services[0]
    assert known <= services[1]
    for text in (ours, theirs_text):
        assert re.search(r'Service: http +tcp port 80 .*src = "47455420', text)
