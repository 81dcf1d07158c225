"""Histograms from the probe to what is printed: in files of ours and of Argus, merged, cut into bins, stripped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from tests.probes.observed import CLIENT, SERVER, START
from tests.traffic.packets import udp_frame
from tests.traffic.pcap import write_pcap

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[bytes]
SECOND = 1_000_000_000
FIELDS = ("spkts", "spktsz", "dpktsz", "sintdist", "dintdist", "sintdistact", "dintdistidl")


@pytest.fixture
def capture(tmp_path: Path) -> str:
    """Twelve seconds, a question a second and an answer to each second one, over IPv4 and IPv6."""
    frames = []
    for ends in ((CLIENT, SERVER), ("2001:db8::5", "2001:db8::9")):
        for number in range(12):
            time = START + number * SECOND
            frames.append((time, udp_frame(*ends, 4000, 5000, bytes(100 + 40 * number))))
            if number % 2:
                frames.append((time + 1000, udp_frame(*ends[::-1], 5000, 4000, bytes(1000))))
    path = tmp_path / "questions.pcap"
    write_pcap(path, sorted(frames))
    return str(path)


def printed(capfdbinary: Capture, *command: str, only: str = "ip or ipv6") -> list[list[str]]:
    assert main([*command, "-L", "-1", "-c", ",", "-s", *FIELDS, "-", only]) == 0
    return [line.split(",") for line in capfdbinary.readouterr().out.decode().splitlines()]


@pytest.fixture
def counted(capture: str, tmp_path: Path) -> str:
    target = str(tmp_path / "counted.parquet")
    options = ("--packet-size-histogram", "--jitter-histogram")
    assert main(["probe", "-X", "-r", capture, *options, "-w", target, "-w", str(tmp_path / "counted.argus")]) == 0
    return target


def test_status_records_add_up_to_the_flow(counted: str, capfdbinary: Capture) -> None:
    records = printed(capfdbinary, "ra", "-r", counted)
    assert len(records) > 2
    flows = printed(capfdbinary, "racluster", "-r", counted, "-m", "saddr", "daddr", "proto")
    times = ["000000b0", "00000050", "000000b0", ""]  # eleven seconds, five times two, all of them active
    assert sorted(flow[1:] for flow in flows) == [["00136200", "00000600", *times], ["00137100", "00000600", *times]]


def test_merging_gives_the_same_by_whatever_way(counted: str, tmp_path: Path, capfdbinary: Capture) -> None:
    by_file = printed(capfdbinary, "racluster", "-r", counted)
    merged = str(tmp_path / "merged.parquet")
    assert main(["racluster", "-r", counted, "-w", merged]) == 0
    assert printed(capfdbinary, "ra", "-r", merged) == by_file
    assert printed(capfdbinary, "rabins", "-M", "time", "1h", "-r", counted) == by_file


def test_a_file_of_argus_has_the_digits(counted: str, tmp_path: Path, capfdbinary: Capture) -> None:
    ours, theirs = (printed(capfdbinary, "ra", "-r", each) for each in (counted, str(tmp_path / "counted.argus")))
    assert theirs == ours


def test_bins_share_the_counts(counted: str, capfdbinary: Capture) -> None:
    pieces = printed(capfdbinary, "rabins", "-M", "time", "2s", "-r", counted, only="ipv4")
    assert len(pieces) > 5
    whole = sum(sum(int(digit, 16) for digit in piece[1]) for piece in pieces)
    assert whole == sum(int(piece[0]) for piece in pieces) == 12


@pytest.mark.parametrize(("part", "left"), [("psize", [False, True]), ("jitter", [True, False])])
def test_parts_are_stripped_one_by_one(
    counted: str, tmp_path: Path, capfdbinary: Capture, part: str, left: list[bool]
) -> None:
    target = str(tmp_path / "stripped.parquet")
    assert main(["rastrip", "-M", f"-{part}", "-r", counted, "-w", target]) == 0
    record = printed(capfdbinary, "ra", "-r", target)[0]
    assert [bool(record[1]), bool(record[3])] == left


def test_nothing_is_counted_unasked(capture: str, tmp_path: Path, capfdbinary: Capture) -> None:
    target = str(tmp_path / "plain.parquet")
    assert main(["probe", "-X", "-r", capture, "-w", target]) == 0
    assert {"".join(record[1:]) for record in printed(capfdbinary, "ra", "-r", target)} == {""}


def test_text_has_the_counts_themselves(counted: str, tmp_path: Path, capfdbinary: Capture) -> None:
    target = tmp_path / "merged.jsonl"
    assert main(["racluster", "-r", counted, "-w", str(target), "-", "ipv4"]) == 0
    (flow,) = (json.loads(line) for line in target.read_text().splitlines())
    assert flow["src_histograms"] == "0 0 1 3 7 1 0 0 " + "0 0 0 0 0 0 11 0 " + "0 0 0 0 0 0 0 0"


@pytest.mark.parametrize("form", ["json", "xml"])
def test_documents_have_the_digits(counted: str, capfdbinary: Capture, form: str) -> None:
    assert main(["racluster", "-M", form, "-r", counted, "-s", "saddr", "spktsz", "-", "ipv4"]) == 0
    assert b'"00137100"' in capfdbinary.readouterr().out


def test_a_database_keeps_them(counted: str, tmp_path: Path, capfdbinary: Capture) -> None:
    table = f"{tmp_path}/flows.sqlite/flows"
    assert main(["rasqlinsert", "-r", counted, "-w", table]) == 0
    capfdbinary.readouterr()
    found = printed(capfdbinary, "rasql", "-r", table)
    assert sorted(found) == sorted(printed(capfdbinary, "ra", "-r", counted))
