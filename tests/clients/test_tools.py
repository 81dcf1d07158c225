"""The commands around ra: sorting, counting, bins, lists, ranges, stripping, anonymizing."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from clients.main import main
from sinks.formats import open_reader
from tests.clients.flows import START, record, ten, write
from topics.batch import concatenate

Capture = pytest.CaptureFixture[bytes]
pytestmark = pytest.mark.usefixtures("utc")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "flows.parquet", ten())


def rows(capture: Capture) -> list[str]:
    return [" ".join(line.split()) for line in capture.readouterr().out.decode().splitlines()]


def test_records_are_sorted_by_fields(file: str, capfdbinary: Capture) -> None:
    assert main(["rasort", "-r", file, "-m", "proto", "bytes", "-nn", "-L", "-1", "-s", "proto", "saddr"]) == 0
    found = rows(capfdbinary)
    assert found[:3] == ["6 10.0.0.8", "6 10.0.0.7", "6 10.0.0.5"]
    assert found[-1] == "17 10.0.0.3"


def test_a_file_may_be_replaced_by_its_sorted_self(file: str) -> None:
    assert main(["rasort", "-M", "replace", "-m", "-stime", "-r", file]) == 0
    first = concatenate(open_reader(file)).records["src_first"].tolist()
    assert first == sorted(first, reverse=True)


def test_records_packets_and_bytes_are_counted(file: str, capfdbinary: Capture) -> None:
    assert main(["racount", "-r", file, "-M", "proto", "addr", "-", "not host 10.0.0.9"]) == 0
    found = rows(capfdbinary)
    assert found[1] == "sum 9 36 18 18 8880 4440 4440"
    assert "tcp 7 28 14 14 6720 3360 3360" in found
    assert "IPv4 Unicast Private src 8 dst 0" in found
    assert main(["racount", "-r", file, "-", "arp"]) == 1


def test_the_range_of_times_is_told(file: str, capfdbinary: Capture) -> None:
    assert main(["ratimerange", "-u", "-p", "0", "-r", file]) == 0
    begin = START // 10**9
    assert rows(capfdbinary) == [f"{begin + 1} - {begin + 10}"]
    assert main(["ratimerange", "-r", file, "-", "arp"]) == 1


def test_long_lists_of_addresses_select(file: str, tmp_path: Path, capfdbinary: Capture) -> None:
    listed = tmp_path / "list"
    listed.write_text("10.0.0.8/30 # the last four\n10.0.0.1\n10.0.0.3-10.0.0.4\n")
    command = ["rafilteraddr", "-f", str(listed), "-r", file, "-L", "-1", "-s", "saddr"]
    assert main(command) == 0
    assert rows(capfdbinary) == ["10.0.0.1", "10.0.0.3", "10.0.0.4", "10.0.0.8", "10.0.0.9", "10.0.0.1"]
    assert main([*command, "-v"]) == 0
    assert rows(capfdbinary) == ["10.0.0.2", "10.0.0.5", "10.0.0.6", "10.0.0.7"]
    assert main([*command, "-m", "daddr"]) == 1


def test_parts_of_records_are_left_out(file: str, tmp_path: Path) -> None:
    target = str(tmp_path / "less.arrow")
    assert main(["rastrip", "-M", "-net", "-M", "-time", "-r", file, "-w", target]) == 0
    records = concatenate(open_reader(target)).records
    assert not records["tcp_state"].any()
    assert not records["src_first"].any()
    assert records["src_packets"].all()
    assert main(["rastrip", "-M", "nett", "-r", file]) == 2


def test_bins_of_time_are_merged_by_a_key(file: str, capfdbinary: Capture) -> None:
    command = ["rabins", "-M", "hard", "time", "5s", "-m", "proto", "-r", file, "-L", "-1", "-u", "-p", "0"]
    assert main([*command, "-P", "bytes", "-s", "stime", "proto", "pkts"]) == 0
    begin = START // 10**9
    found = [line.split() for line in rows(capfdbinary)]
    assert [row[0] for row in found] == sorted(row[0] for row in found)
    assert found[0] == [str(begin), "tcp", "14"]
    assert sum(int(row[2]) for row in found) == 40


def test_bins_of_records(file: str, capfdbinary: Capture) -> None:
    assert main(["rabins", "-M", "count", "4", "-m", "srcid", "-r", file, "-L", "-1", "-s", "trans"]) == 0
    assert rows(capfdbinary) == ["4", "4", "2"]
    assert main(["rabins", "-m", "srcid", "-r", file]) == 2


def test_bins_go_to_files_named_after_their_time(file: str, tmp_path: Path) -> None:
    name = str(tmp_path / "%Y" / "flows.%H.%M.%S.arrow")
    assert main(["rabins", "-M", "time", "5s", "-m", "srcid", "-r", file, "-w", name]) == 0
    assert [path.name for path in sorted((tmp_path / "2023").iterdir())] == [
        "flows.22.13.20.arrow",
        "flows.22.13.25.arrow",
        "flows.22.13.30.arrow",
    ]


def test_records_are_anonymized_by_a_key(file: str, tmp_path: Path) -> None:
    key, target = tmp_path / "key", str(tmp_path / "anonymous.parquet")
    key.write_text("secret")
    assert main(["ranonymize", "--key", str(key), "-r", file, "-w", target]) == 0
    before, after = concatenate(open_reader(file)).records, concatenate(open_reader(target)).records
    assert (before["src_address"] != after["src_address"]).any()
    assert (before["src_bytes"] == after["src_bytes"]).all()
    key.write_text("")
    assert main(["ranonymize", "--key", str(key), "-r", file, "-w", target]) == 2


def test_records_as_json_and_xml(file: str, capfdbinary: Capture) -> None:
    fields = ["-s", "stime", "saddr", "dport", "dur", "label", "-N", "1"]
    assert main(["ra", "-n", "-M", "json", "-r", file, *fields]) == 0
    assert json.loads(capfdbinary.readouterr().out) == {
        "stime": "2023-11-14T22:13:21.000000",
        "saddr": "10.0.0.1",
        "dport": 80,
        "dur": 1.0,
        "label": None,
    }
    assert main(["ra", "-M", "xml", "-r", file, *fields]) == 0
    document = ET.fromstring(capfdbinary.readouterr().out)  # noqa: S314 - our own output
    assert [dict(element.attrib) for element in document] == [
        {"StartTime": "2023-11-14T22:13:21.000000", "SrcAddr": "10.0.0.1", "Dport": "http", "Dur": "1.000000"}
    ]


def test_formats_of_fields(file: str, capfdbinary: Capture) -> None:
    words = ["stime:30:%Y-%m-%d %T.%f", "dur:8:%.2f", "bytes:8:%05d"]
    assert main(["ra", "-r", file, "-L", "-1", "-p", "1", "-N", "1", "-s", *words]) == 0
    assert rows(capfdbinary) == ["2023-11-14 22:13:21.0 1.00 00240"]
    assert main(["ra", "-r", file, "-s", "dur:8:%q"]) == 2


def test_several_files_are_written_each_with_its_filter(file: str, tmp_path: Path) -> None:
    one, two, rest = (str(tmp_path / name) for name in ("one", "two.arrow", "rest.parquet"))
    assert main(["ra", "-r", file, "-w", one, "tcp", "-w", two, "-E", rest, "-", "not host 10.0.0.9"]) == 0
    assert [len(concatenate(open_reader(name))) for name in (one, two, rest)] == [7, 9, 1]


@pytest.mark.parametrize(
    ("text", "selected"),
    [("1700000003+2s", 5), ("c1700000002-1700000006", 5), ("x1700000003+2s", 5), ("2023/11/14.22:13:25", 3)],
)
def test_times_select_records(text: str, selected: int, file: str, capfdbinary: Capture) -> None:
    assert main(["ra", "-r", file, "-t", text, "-L", "-1", "-s", "saddr"]) == 0
    assert len(rows(capfdbinary)) == selected


def test_fields_are_documented(capfdbinary: Capture) -> None:
    assert main(["fields"]) == 0
    assert len(rows(capfdbinary)) > 200
    assert main(["fields", "sload"]) == 0
    assert any("Packets sent by the source" in line for line in rows(capfdbinary))
    assert main(["fields", "slaod"]) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(shell: str, capfdbinary: Capture) -> None:
    assert main(["completion", shell]) == 0
    assert b"racluster" in capfdbinary.readouterr().out
    assert main(["completion", "csh"]) == 2


def test_a_plain_record_of_another_time_is_read_from_no_suffix(tmp_path: Path, capfdbinary: Capture) -> None:
    name = write(tmp_path / "flows", record(1))
    assert main(["ra", "-r", name, "-L", "-1", "-s", "saddr"]) == 0
    assert rows(capfdbinary) == ["10.0.0.1"]
    Path(name).write_bytes(b"\x83\x10\x00\x20 and more")
    assert main(["ra", "-r", name]) == 2
