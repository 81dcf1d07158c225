"""How often values are, as it is printed."""

from pathlib import Path

import pytest

from clients.main import main
from tests.clients.flows import ten, write

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "flows.parquet", ten())


def test_statistics_and_classes_are_printed_as_by_rahisto(file: str, capsys: Capture) -> None:
    assert main(["rahisto", "-H", "sbytes", "3:0-900", "-r", file]) == 0
    assert capsys.readouterr().out.splitlines() == [
        " N = 8       mean = 435.000000  stddev = 254.116115  max = 840  min = 120",
        "           median = 420.000000     95% = 840",
        "             mode =        120",
        " Class      Interval         Freq    Rel.Freq     Cum.Freq    ",
        "     1    0.000000e+00          3    37.5000%     37.5000%    ",
        "     2    3.000000e+02          2    25.0000%     62.5000%    ",
        "     3    6.000000e+02          3    37.5000%    100.0000%    ",
    ]


def test_what_is_outside_counts_when_it_is_asked_for(file: str, capsys: Capture) -> None:
    words = ["rahisto", "-H", "sbytes", "2:300-900", "-c", ",", "-r", file]
    assert main([*words, "-M", "outlayer"]) == 0
    found = capsys.readouterr().out.splitlines()
    assert found[0].startswith("N=10,")
    assert [line.split(",")[1:3] for line in found[2:]] == [
        ["0.000000e+00", "3"],
        ["3.000000e+02", "2"],
        ["6.000000e+02", "3"],
        ["9.000000e+02", "2"],
    ]
    assert main([*words, "-M", "nozero", "-", "src host 10.0.0.3"]) == 0
    assert [line.split(",")[:3] for line in capsys.readouterr().out.splitlines()[2:]] == [["1", "3.000000e+02", "1"]]


def test_several_metrics_are_printed_one_after_the_other(file: str, capsys: Capture) -> None:
    assert main(["rahisto", "-H", "dur", "2", "sbytes", "2", "-H", "proto 2:0-256", "-r", file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line in {"dur", "sbytes", "proto"}] == ["dur", "sbytes", "proto"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-H", "saddr", "10"], "'saddr' is no number"),
        (["-H", "dur"], "how many classes of dur? -H dur 10"),
        ([], "say which classes"),
        (["-H", "dur", "10:0-1x"], "unit 'x' is none of"),
    ],
)
def test_what_cannot_be_counted_is_told_in_a_line(file: str, words: list[str], message: str, capsys: Capture) -> None:
    assert main(["rahisto", *words, "-r", file]) == 2
    assert message in capsys.readouterr().err


def test_no_record_selected_is_status_one(file: str) -> None:
    assert main(["rahisto", "-H", "dur", "10", "-r", file, "-", "arp"]) == 1
