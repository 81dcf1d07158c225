import subprocess
import sys
from pathlib import Path

import pytest

from clients.main import main
from sinks.formats import open_reader
from tests.clients.flows import record, ten, write
from topics.batch import concatenate

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "flows.parquet", ten())


def rows(capture: Capture) -> list[str]:
    return [" ".join(line.split()) for line in capture.readouterr().out.decode().splitlines()]


FIELDS = ("-L", "-1", "-s", "saddr", "trans", "pkts", "dur")


def test_records_of_one_flow_become_one(file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-r", file, *FIELDS, "-", "src host 10.0.0.1 or 10.0.0.2"]) == 0
    assert sorted(rows(capfdbinary)) == ["10.0.0.1 2 8 2.000000", "10.0.0.2 1 4 1.000000"]


def test_norep_leaves_the_statistics_out(file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-r", file, "-M", "norep", *FIELDS, "mean", "max", "-", "src host 10.0.0.1"]) == 0
    assert rows(capfdbinary) == ["10.0.0.1 0 8 2.000000 0.000000"]


def test_any_fields_may_be_the_key(file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-r", file, "-m", "proto", "dport", "-L", "-1", "-s", "proto", "dport", "trans"]) == 0
    assert sorted(rows(capfdbinary)) == ["tcp http 7", "udp domain 3"]


def test_many_records_are_merged_as_a_few_are(file: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: Capture) -> None:
    merging = ["racluster", "-r", file, file, "-n", "-c", ",", "-m", "saddr", "daddr"]
    for asked in (merging, [*merging, "-", "tcp"], ["racluster", "-r", file, file], [*merging, "-", "port 9"]):
        few = main(asked), capfdbinary.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr("clients.reading.sources.LARGE", 0)
            patch.setattr("clients.reading.sources.SOME_COLUMNS", 3)
            assert (main(asked), capfdbinary.readouterr()) == few


def test_the_filter_comes_before_the_merge(file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-r", file, "-m", "srcid", "-L", "-1", "-s", "trans", "pkts", "-", "udp"]) == 0
    assert rows(capfdbinary) == ["3 12"]


@pytest.mark.parametrize(("expression", "status"), [("man", 1), ("port 9", 1), ("not man", 0)])
def test_the_exit_status_says_whether_a_record_was_selected(
    expression: str, status: int, file: str, capfdbinary: Capture
) -> None:
    assert main(["racluster", "-r", file, "-", expression]) == status
    assert (rows(capfdbinary) != []) == (status == 0)


def test_input_and_output_are_numbered_apart(file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-r", file, "-m", "proto", "-N", "4", "-L", "-1", "-s", "trans"]) == 0
    assert sorted(rows(capfdbinary)) == ["1", "3"]
    assert main(["racluster", "-r", file, "-m", "proto", "-N", "o1", "-L", "-1", "-s", "trans"]) == 0
    assert len(rows(capfdbinary)) == 1


def test_files_may_be_merged_one_by_one(file: str, tmp_path: Path, capfdbinary: Capture) -> None:
    other = write(tmp_path / "more.arrow", record(1, sequence=9))
    assert main(["racluster", "-r", file, other, "-m", "srcid", "-L", "-1", "-s", "trans"]) == 0
    assert rows(capfdbinary) == ["11"]
    assert main(["racluster", "-r", file, other, "-M", "ind", "-m", "srcid", "-L", "-1", "-s", "trans"]) == 0
    assert rows(capfdbinary) == ["10", "1"]


def test_totals_count_what_was_read(file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-q", "-A", "-r", file, "-", "udp"]) == 0
    assert rows(capfdbinary) == ["Totalrecords 3 TotalManRecords 0 TotalFarRecords 10 TotalPkts 12 TotalBytes 4320"]


def test_merged_records_can_be_merged_again(file: str, tmp_path: Path, capfdbinary: Capture) -> None:
    merged = str(tmp_path / "merged.parquet")
    assert main(["racluster", "-r", file, "-w", merged]) == 0
    assert len(concatenate(open_reader(merged))) == 9
    assert main(["racluster", "-r", merged, "-m", "srcid", "-L", "-1", "-s", "trans", "pkts"]) == 0
    assert rows(capfdbinary) == ["10 40"]


def test_records_come_through_a_pipe(file: str) -> None:
    argosy = [sys.executable, "-m", "clients.main"]
    sent = subprocess.run([*argosy, "ra", "-r", file, "-w", "-"], capture_output=True, check=True).stdout
    command = [*argosy, "racluster", "-r", "-", "-m", "srcid", "-L", "-1", "-s", "trans", "-", "not", "man"]
    assert subprocess.run(command, input=sent, capture_output=True, check=True).stdout.split() == [b"10"]


def test_any_printable_field_may_be_a_key(file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-r", file, "-m", "site", "state", "-L", "-1", "-s", "site", "state", "trans"]) == 0
    assert sorted(rows(capfdbinary)) == ["lab CON 10"]
    assert main(["racluster", "-r", file, "-m", "sco", "proto", "-nn", "-L", "-1", "-s", "proto", "trans"]) == 0
    assert sorted(rows(capfdbinary)) == ["17 3", "6 7"]


def test_a_configuration_gives_each_record_its_key(file: str, tmp_path: Path, capfdbinary: Capture) -> None:
    conf = tmp_path / "racluster.conf"
    conf.write_text(
        '# ours\nRACLUSTER_REPORT_AGGREGATION=yes\nfilter="host 10.0.0.1" model="saddr" label="who=one"\n'
        'filter="udp" model="proto dport" cont\nfilter="" model="srcid"\n'
    )
    assert main(["racluster", "-f", str(conf), "-r", file, "-L", "-1", "-s", "trans", "label:12"]) == 0
    assert rows(capfdbinary) == ["2 who=one", "3", "8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('filter="tcpp" model="saddr"', "line 1: filter: unknown word 'tcpp' at column 1; did you mean 'tcp'?"),
        ('\nfilter="tcp" modl="saddr"', "line 2: unknown word 'modl'; did you mean 'model'?"),
        ("RACLUSTER_PRESERVE=yes", "line 1: unknown variable 'RACLUSTER_PRESERVE'; did you mean"),
        ('filter="tcp" idle=soon', "line 1: idle is a number of seconds, at most 31,622,400, not 'soon'"),
        ('filter="tcp" grep=x', "line 1: 'grep' is not supported: a filter can ask for labels"),
        ("what?", "line 1: cannot read 'what?'; a line is"),
    ],
)
def test_a_wrong_configuration_is_named_with_its_line(
    text: str, message: str, file: str, tmp_path: Path, capfdbinary: Capture
) -> None:
    conf = tmp_path / "racluster.conf"
    conf.write_text(text + "\n")
    assert main(["racluster", "-f", str(conf), "-r", file]) == 2
    assert capfdbinary.readouterr().err.decode().startswith(f"argosy racluster: {conf}: {message}")


def test_a_file_may_be_replaced_by_its_merged_self(file: str) -> None:
    assert main(["racluster", "-M", "replace", "-m", "proto", "-r", file]) == 0
    assert len(concatenate(open_reader(file))) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "sadr"], "unknown key 'sadr'; did you mean 'saddr'?"),
        (["-M", "norepp"], "unknown mode 'norepp'; did you mean 'norep'?"),
        (["-", "tcpp"], "filter: unknown word 'tcpp' at column 1; did you mean 'tcp'?"),
    ],
)
def test_what_goes_wrong_is_one_line(arguments: list[str], message: str, file: str, capfdbinary: Capture) -> None:
    assert main(["racluster", "-r", file, *arguments]) == 2
    assert capfdbinary.readouterr().err.decode() == f"argosy racluster: {message}\n"
