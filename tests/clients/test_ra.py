import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clients.main import main
from clients.records import ra
from sinks.formats import open_reader
from tests.clients.flows import record, ten, write
from topics.batch import FlowBatch, concatenate

Capture = pytest.CaptureFixture[bytes]
HEADING = (
    "         StartTime      Flgs  Proto            SrcAddr  Sport   Dir            DstAddr  Dport"
    "  TotPkts   TotBytes State "
)
FIRST = (
    "   22:13:21.000000              tcp           10.0.0.1.40001     ->          192.0.2.1.http "
    "         4        240   CON"
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "flows.parquet", ten())


def printed(capture: Capture) -> list[str]:
    return capture.readouterr().out.decode().splitlines()


def test_a_listing(file: str, capfdbinary: Capture) -> None:
    assert main(["ra", "-r", file, "-N", "1"]) == 0
    assert printed(capfdbinary) == [HEADING, FIRST]


def test_standard_input_may_be_any_file_of_records(
    file: str, capfdbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(file).open() as redirected:
        monkeypatch.setattr(sys, "stdin", redirected)
        assert main(["ra", "-r", "-", "-N", "1"]) == 0
    assert printed(capfdbinary) == [HEADING, FIRST]


def test_a_pipe_of_parquet_is_refused_with_what_to_do(
    file: str, capfdbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = io.TextIOWrapper(io.BufferedReader(io.BytesIO(Path(file).read_bytes())))
    monkeypatch.setattr(sys, "stdin", piped)
    assert main(["ra", "-r", "-"]) == 2
    assert b"-: .parquet files are not read from a pipe; name the file" in capfdbinary.readouterr().err


def test_all_of_it_as_csv(file: str, capfdbinary: Capture) -> None:
    assert main(["ra", "-r", file, "-nn", "-u", "-c", ",", "-p", "3", "-s", "stime dur saddr dir state trans"]) == 0
    lines = printed(capfdbinary)
    assert lines[:2] == ["StartTime,Dur,SrcAddr,Dir,State,Trans", "1700000001.000,1.000,10.0.0.1,   ->,CON,1"]
    assert len(lines) == 11


def test_the_filter_comes_after_a_dash_or_at_the_end(file: str, capfdbinary: Capture) -> None:
    assert main(["ra", "-r", file, "-L", "-1", "-s", "saddr", "-", "udp", "and", "port", "53"]) == 0
    assert [line.strip() for line in printed(capfdbinary)] == ["10.0.0.3", "10.0.0.6", "10.0.0.9"]
    assert main(["ra", "-L", "-1", "-s", "saddr", "-r", file, "-n", "-", "src host 10.0.0.4"]) == 0
    assert [line.strip() for line in printed(capfdbinary)] == ["10.0.0.4"]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["-N", "2"], ["1 10.0.0.3", "2 10.0.0.6"]),
        (["-N", "i2-3"], ["1 10.0.0.6", "2 10.0.0.9"]),
        (["-N", "o2-3"], ["2 10.0.0.6", "3 10.0.0.9"]),
        (["-N", "2+9"], ["1 10.0.0.6", "2 10.0.0.9"]),
    ],
)
def test_numbers_of_records_count_what_was_selected(
    options: list[str], rows: list[str], file: str, capfdbinary: Capture
) -> None:
    assert main(["ra", "-r", file, *options, "-L", "-1", "-s", "rank", "saddr", "-", "udp"]) == 0
    assert [" ".join(line.split()) for line in printed(capfdbinary)] == rows


@pytest.mark.parametrize(("expression", "status"), [("udp", 0), ("man", 1), ("port 9", 1), ("not man", 0)])
def test_the_exit_status_says_whether_a_record_was_selected(
    expression: str, status: int, file: str, capfdbinary: Capture
) -> None:
    assert main(["ra", "-r", file, "-", expression]) == status
    assert (printed(capfdbinary) != []) == (status == 0)
    assert main(["ra", "-q", "-r", file, "-", expression]) == status
    assert printed(capfdbinary) == []


def test_totals(file: str, capfdbinary: Capture) -> None:
    assert main(["ra", "-q", "-A", "-r", file, "-", "udp"]) == 0
    words = printed(capfdbinary)[0].split()
    assert dict(zip(words[::2], map(int, words[1::2]), strict=True)) == {
        "Totalrecords": 3,
        "TotalManRecords": 0,
        "TotalFarRecords": 10,
        "TotalPkts": 12,
        "TotalBytes": 2 * 120 * (3 + 6 + 9),
    }


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".avro"])
def test_records_survive_every_format(suffix: str, file: str, tmp_path: Path) -> None:
    converted = str(tmp_path / f"converted{suffix}")
    assert main(["ra", "-r", file, "-w", converted]) == 0
    batch = concatenate(open_reader(converted))
    assert batch.records.tobytes() == concatenate(open_reader(file)).records.tobytes()
    assert batch.observers == ten().observers


def test_what_is_written_is_filtered_and_cut(file: str, tmp_path: Path) -> None:
    assert main(["ra", "-r", file, "-w", str(tmp_path / "some.csv"), "-N", "2-3", "-", "udp"]) == 0
    rows = (tmp_path / "some.csv").read_text().splitlines()
    assert len(rows) == 3
    assert "10.0.0.6" in rows[1]


def test_nothing_selected_is_still_a_whole_file(file: str, tmp_path: Path, capfdbinary: Capture) -> None:
    empty = str(tmp_path / "empty.parquet")
    assert main(["ra", "-r", file, "-w", empty, "-", "port 9"]) == 1
    assert main(["ra", "-r", empty]) == 1
    assert capfdbinary.readouterr() == (b"", b"")


def test_files_of_a_directory_come_in_order_without_hidden_ones(tmp_path: Path, capfdbinary: Capture) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    write(tmp_path / "b" / "two.arrow", record(2))
    write(tmp_path / "one.parquet", record(1))
    write(tmp_path / "b" / "three.avro", record(3))
    write(tmp_path / ".hidden" / "nine.parquet", record(9))
    (tmp_path / "link.parquet").symlink_to(tmp_path / "one.parquet")
    (tmp_path / "notes.txt").write_text("not records")
    assert main(["ra", "-R", str(tmp_path), "-L", "-1", "-s", "saddr"]) == 0
    assert [line.strip() for line in printed(capfdbinary)] == ["10.0.0.1", "10.0.0.3", "10.0.0.2"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "say what to read: -r FILE, -R DIR, -S kafka://HOST/TOPIC or -r - for a pipe"),
        (["-r", "FILE", "-s", "sadr"], 2, "unknown field 'sadr'; did you mean 'saddr'?"),
        (["-r", "FILE", "-", "tcpp"], 2, "filter: unknown word 'tcpp' at column 1; did you mean 'tcp'?"),
        (["-r", "FILE", "-Q"], 2, "unknown option -Q; did you mean '-q'?"),
        (["-r", "FILE", "-M", "nomen"], 2, "unknown mode 'nomen'; did you mean 'noman'?"),
        (["-r", "FILE", "-c", "ab"], 2, "option -c takes one character, not 'ab'"),
        (["-r", "FILE", "-p", "10"], 2, "option -p takes at most 9 digits, not 10"),
        (["-r", "FILE", "-L", "x"], 2, "option -L takes a whole number, not 'x'"),
        (["-r", "FILE", "-Z", "x"], 2, "option -Z takes s, d or b, not 'x'"),
        (["-r", "FILE", "-N", "x"], 2, "option -N takes n, a-b or a+n, perhaps after i or o, not 'x'"),
        (["-r", "-", "-r", "-"], 2, "standard input can be read only once: -r - was given twice"),
        (["-r", "missing.parquet"], 2, "missing.parquet: No such file or directory"),
        (["-r", "FILE", "missing.parquet"], 2, "missing.parquet: No such file or directory"),
        (["-R", "nowhere"], 2, "nowhere: No such directory"),
        (["-R", "."], 2, ".: holds no record files (.argus, .arrow, .avro, .parquet)"),
        (["-r", "."], 2, ".: is a directory, not a file of flow records"),
        (["-r", "FILE", "-w", "x.pcap"], 2, "x.pcap: unknown suffix '.pcap'"),
    ],
)
def test_what_goes_wrong_is_one_line(
    arguments: list[str],
    status: int,
    message: str,
    file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: Capture,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["ra", *(file if word == "FILE" else word for word in arguments)]) == status
    out, err = (text.decode() for text in capfdbinary.readouterr())
    assert out == ""
    assert err.startswith(f"argosy ra: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"hello\n", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_file_of_something_else_is_named(content: bytes, tmp_path: Path, capfdbinary: Capture) -> None:
    path = tmp_path / "other.parquet"
    path.write_bytes(content)
    assert main(["ra", "-r", str(path)]) == 2
    assert capfdbinary.readouterr().err.decode().startswith(f"argosy ra: {path}: ")


def test_a_file_that_was_cut_off_is_named(file: str, capfdbinary: Capture) -> None:
    content = Path(file).read_bytes()
    Path(file).write_bytes(content[: len(content) // 2])
    assert main(["ra", "-r", file]) == 2
    error = capfdbinary.readouterr().err.decode()
    assert error.startswith(f"argosy ra: {file}: ")
    assert error.count("\n") == 1


def test_a_filter_can_be_shown_instead_of_run(capfdbinary: Capture) -> None:
    assert main(["ra", "-b", "-", "tcp"]) == 0
    assert "protocol" in printed(capfdbinary)[0]


def test_help_is_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ra", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: argosy ra ")
    assert all(f"  {option.spellings[0]}" in out for option in ra.OPTIONS)


def run(*arguments: str, **kwargs: object) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "clients.main", *arguments]
    return subprocess.run(command, capture_output=True, check=False, **kwargs)  # type: ignore[call-overload, no-any-return]


def test_records_come_through_a_pipe(file: str) -> None:
    sent = run("ra", "-r", file, "-w", "-")
    assert (sent.returncode, sent.stderr) == (0, b"")
    received = run("ra", "-r", "-", "-L", "-1", "-s", "saddr", "-", "udp", input=sent.stdout)
    assert received.stdout.decode().split() == ["10.0.0.3", "10.0.0.6", "10.0.0.9"]
    cut = run("ra", "-r", "-", "-L", "-1", "-s", "saddr", input=sent.stdout[: len(sent.stdout) // 2])
    assert cut.returncode == 2
    assert cut.stderr.startswith(b"argosy ra: -: ")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    many = write(tmp_path / "many.parquet", concatenate([ten()] * 2000))
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "clients.main", "ra", "-r", many], stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    os.read(reader, 100)
    os.close(reader)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0


def test_a_plain_listing_loads_no_more_than_polars(file: str) -> None:
    listing = f"from clients.main import main; main(['ra', '-r', {file!r}])"
    code = f"import sys; {listing}; print([*sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = ("numpy", "pyarrow", "numba", "rich", "pydantic", "fastavro", "topics.filter", "asyncio")
    assert not [name for name in heavy if f"'{name}'" in done.stderr]
    assert len(done.stdout.splitlines()) == 11


def test_an_empty_batch_is_a_file_without_records(tmp_path: Path, capfdbinary: Capture) -> None:
    assert main(["ra", "-r", write(tmp_path / "none.arrow", FlowBatch())]) == 1
    assert capfdbinary.readouterr() == (b"", b"")
