"""What `argosy probe` reads, from the command line: filters, ranges, interfaces, and what it says about them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from sinks.formats import open_reader
from tests.libpcap import libpcap_installed  # noqa: F401 - a fixture
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import write_pcap
from topics.batch import concatenate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("libpcap_installed")

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
TCP = [(START + n * SECOND, tcp_frame("10.0.0.1", "10.0.0.2", 1000 + n, 80, flags="S")) for n in range(10)]
UDP = [(START + (10 + n) * SECOND, udp_frame("10.0.0.1", "10.0.0.2", 1000 + n, 53)) for n in range(20)]


@pytest.fixture
def captures(tmp_path: Path) -> list[str]:
    for name, frames in (("a.pcap", TCP), ("b.pcap", UDP)):
        write_pcap(tmp_path / name, frames)
    return [str(tmp_path / "a.pcap"), str(tmp_path / "b.pcap")]


def ports(captures: list[str], tmp_path: Path, *options: str) -> list[tuple[int, int]]:
    """Run the probe; return protocol and source port of each record."""
    out = tmp_path / "records.parquet"
    assert main(["probe", "-X", "-r", *captures, "-w", str(out), *options]) == 0
    records = concatenate(open_reader(str(out))).records
    return sorted(zip(records["protocol"].tolist(), records["src_port"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-", "tcp"], [(6, 1000 + n) for n in range(10)]),
        (["-O", "-", "udp", "and", "src port 1003"], [(17, 1003)]),
        (["-N", "9-12"], [(6, 1008), (6, 1009), (17, 1000), (17, 1001)]),
        (["-N", "2", "-", "udp port 53"], [(17, 1000), (17, 1001)]),
        (["-T", "1000000", "-N", "1"], [(6, 1000)]),
    ],
)
def test_which_packets_are_taken(
    captures: list[str], tmp_path: Path, options: list[str], expected: list[tuple[int, int]]
) -> None:
    assert ports(captures, tmp_path, *options) == expected


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["-w", "-"], "say what to read: -r FILE or -i INTERFACE", 2),
        (["-i", "lo", "-r", "a.pcap", "-w", "-"], "capture files (-r) or interfaces (-i), not both", 2),
        (["-i", "lo", "-f", "-w", "-"], "option -f is for capture files (-r), not for interfaces (-i)", 2),
        (["-i", "lo", "-T", "2", "-w", "-"], "option -T is for capture files (-r), not for interfaces (-i)", 2),
        (["-i", "no-such-one", "-w", "-"], "no-such-one: no such interface", 1),
        (["-i", "dup:a", "-w", "-"], "interface dup:a: give -i once for each interface", 2),
        (["-r", "a.pcap", "-N", "7-", "-w", "-"], "which packets to take is N or A-B, not '7-'", 2),
        (["-b", "-", "tcp prt 80"], "packet filter 'tcp prt 80': can't parse filter expression: syntax error", 2),
        (["-i", "lo", "-s", "5", "-w", "-"], "option -s should be greater than or equal to 64", 2),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], message: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "-X", *arguments]) == status
    told = capsys.readouterr().err
    assert told.startswith("argosy probe: ")
    assert message in told
    assert told.count("\n") == 1


def test_a_filter_is_printed_as_tcpdump_does_for_the_frames_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("tcpdump") is None:
        pytest.skip("apt-get install tcpdump")
    write_pcap(tmp_path / "raw.pcap", [(START, UDP[0][1][14:])], link_type=101)
    for options, link in (([], "EN10MB"), (["-r", str(tmp_path / "raw.pcap")], "RAW")):
        assert main(["probe", "-X", "-b", *options, "-", "udp", "port", "53"]) == 0
        command = ["tcpdump", "-d", "-y", link, "udp port 53"]
        assert capsys.readouterr().out == subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_interfaces_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "-X", "-l"]) == 0
    assert any(line.startswith("1. lo [") for line in capsys.readouterr().out.splitlines())
