"""Regular expressions over payload."""

from pathlib import Path

import polars as pl
import pytest

from clients.main import main
from processors.payload.neighbours import Neighbours
from processors.payload.search import Search
from tests.clients.flows import record, write
from tests.clients.test_radump import listed, talk
from topics.batch import concatenate

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def file(tmp_path: Path) -> str:
    said = [
        talk(1, 6, 80, b"GET /index.html HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.1 200 OK\r\n"),
        talk(2, 6, 80, b"POST /form HTTP/1.1\r\n", b"HTTP/1.1 404 Not Found\r\n"),
        talk(3, 6, 22, b"SSH-2.0-x\r\n", b"\xff\xfe\x00\x81caf\xc3\xa9"),
        record(4, 6, 443),
    ]
    return write(tmp_path / "flows.parquet", concatenate(said))


def grep(capture: Capture, file: str, *options: str) -> list[str]:
    status = main(["ragrep", "-r", file, "-s", "saddr", *options])
    lines = listed(capture)
    assert status == (0 if len(lines) > 0 else 1)
    return [line.removeprefix("10.0.0.") for line in lines if line != "SrcAddr"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["-e", "HTTP.*404"], "2"),
        (["-e", "^GET.*Host"], "1"),
        (["-e", "s:HTTP"], "12"),
        (["-e", "d:^HTTP.*OK"], "1"),
        (["-e", "s:OK"], ""),
        (["-i", "-e", "get|ssh"], "13"),
        (["-v", "-e", "HTTP"], "34"),
        (["-e", r"\xff\xfe\x00"], "3"),
        (["-e", "café"], "3"),
        (["-e", "POST", "-e", "^SSH"], "23"),
        (["-e", "x*"], "123"),
        (["-C", "1", "-e", "POST"], "123"),
        (["-e", "HTTP", "-", "dst port 22"], ""),
    ],
)
def test_records_are_found_by_their_payload(options: list[str], found: str, file: str, capfdbinary: Capture) -> None:
    assert grep(capfdbinary, file, *options) == list(found)


def test_the_match_is_shown_with_what_is_around_it(file: str, capfdbinary: Capture) -> None:
    assert main(["ragrep", "-r", file, "-e", "index", "--around", "5", "-s", "match", "-M", "json"]) == 0
    assert listed(capfdbinary) == [r'{"match":"s[5]=\"GET /index.html\""}']
    assert main(["ragrep", "-r", file, "-e", "caf", "--around", "4", "-s", "match", "-M", "json"]) == 0
    assert listed(capfdbinary) == [r'{"match":"d[4]=\"....caf..\""}']


def test_files_are_counted_and_named(file: str, tmp_path: Path, capfdbinary: Capture) -> None:
    other = write(tmp_path / "other.parquet", record(1))
    both = ["ragrep", "-r", file, other]
    assert main([*both, "-c", "-e", "HTTP"]) == 0
    assert listed(capfdbinary) == [f"{file}:2", f"{other}:0"]
    assert main([*both, "-l", "-e", "HTTP"]) == 0
    assert listed(capfdbinary) == [file]
    assert main([*both, "-L", "-e", "HTTP"]) == 0
    assert listed(capfdbinary) == [other]
    assert main([*both, "-q", "-e", "HTTP"]) == 0
    assert main([*both, "-q", "-e", "nothing"]) == 1
    assert not listed(capfdbinary)


def test_patterns_come_from_a_file_and_records_go_to_one(file: str, tmp_path: Path, capfdbinary: Capture) -> None:
    patterns, target = tmp_path / "patterns", str(tmp_path / "found.parquet")
    patterns.write_text("POST\nSSH-2")
    assert main(["ragrep", "-r", file, "-f", str(patterns), "-w", target]) == 0
    assert pl.read_parquet(target)["src_port"].to_list() == [40_002, 40_003]
    patterns.write_text("")
    assert main(["ragrep", "-r", file, "-f", str(patterns)]) == 1


def test_what_is_no_regular_expression_is_refused(file: str, capfdbinary: Capture) -> None:
    assert main(["ragrep", "-r", file, "-e", "a("]) == 2
    error = capfdbinary.readouterr().err.decode()
    assert "'a(' is no regular expression: missing )" in error
    assert main(["ragrep", "-r", file]) == 2


def test_every_byte_is_one_character() -> None:
    whole = bytes(range(256))
    frame = pl.DataFrame({"src_payload": [whole, None, "é".encode(), b""], "dst_payload": [b"", None, b"\n", b""]})
    for pattern, found in {r"^.{256}$": [0], "é": [2], r"^\xc3.$": [2], r"\x00\x01.*\xff$": [0], "d:^.$": [2]}.items():
        assert Search([pattern]).matches(frame).arg_true().to_list() == found


@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_neighbours_are_the_same_however_records_are_cut(size: int) -> None:
    frame = pl.DataFrame({"n": range(20)})
    matching = {0, 6, 7, 13, 19}
    near, found = Neighbours(2), list[int]()
    for piece in frame.iter_slices(size):
        found += near.take(piece, piece["n"].is_in(matching))["n"].to_list()
    assert found == [n for n in range(20) if any(abs(n - m) <= 2 for m in matching)]
