from pathlib import Path
from typing import Any

import pytest

from clients.options import parse
from clients.sink.files import OPTIONS, outputs, split_pattern
from sinks.files.cutting import DAY
from sinks.files.opening import open_outputs
from sinks.files.settings import Output, output, read_outputs
from topics.errors import SettingsError, UsageError

FULL = """
outputs:
  - directory: archive
    name: $srcid/%Y/%m/%d/flows.%H.%M.%S
    time: 1h
    grace: 90s
    program: /usr/bin/true
  - directory: /dns
    name: "%Y%m%d"
    format: csv
    filter: udp port 53
    count: 1000
    size: 5M
    until: dst pkts gt 100
    open_files: 9
    program: [/usr/bin/env, "-"]
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "files.yaml"
    path.write_text(text)
    return str(path)


def test_a_settings_file_lists_outputs_beside_it(tmp_path: Path) -> None:
    one, two = read_outputs(written(tmp_path, FULL))
    assert one.directory == str(tmp_path / "archive")
    assert (one.cutting.seconds, one.grace, one.program) == (3600, 90, ("/usr/bin/true",))
    assert two.directory == "/dns"
    assert two.pattern == "%Y%m%d.csv"
    assert (two.cutting.seconds, two.count, two.size) == (DAY, 1000, 5_000_000)
    assert two.program == ("/usr/bin/env", "-")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "keys and values are wanted"),
        ("outputs: [", "line 1: no YAML"),
        ("outputs: []", "outputs should not be empty"),
        ("output: []", "output is unknown; did you mean 'outputs'"),
        ("outputs: [{}]", "outputs.0.directory is missing"),
        ("outputs: [{directory: x, fromat: csv}]", "outputs.0.fromat is unknown; did you mean 'format'?"),
        ("outputs: [{directory: x, format: xml}]", "outputs.0.format should be 'parquet'"),
        ("outputs: [{directory: x, filter: tpc}]", "outputs.0.filter filter: unknown word 'tpc'"),
        ("outputs: [{directory: x, until: tpc}]", "outputs.0.until filter: unknown word 'tpc'"),
        ("outputs: [{directory: x, time: 5x}]", "outputs.0.time should be a time as 300"),
        ("outputs: [{directory: x, size: 5X}]", "outputs.0.size should be a size as 5000"),
        ("outputs: [{directory: x, time: 0}]", "outputs.0.time"),
        ("outputs: [{directory: x, open_files: 0}]", "outputs.0.open_files"),
        ("outputs: [{directory: x, name: ../%H%M%S}]", "outputs.0 name: pattern '../%H%M%S' leads out"),
        ("outputs: [{directory: x, name: $sadr.%H%M%S}]", "unknown field 'sadr'; did you mean 'saddr'"),
        ("outputs: [{directory: x, name: '%H'}]", "names bins of 300 s alike"),
        ("outputs: [{directory: x, name: a.csv, format: avro}]", "ends in .csv, but the format is avro"),
    ],
)
def test_what_is_wrong_names_the_file_and_the_key(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        read_outputs(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_outputs_with_the_same_names_are_refused(tmp_path: Path) -> None:
    same = [output(directory=str(tmp_path), name=name) for name in ("%H%M%S", "%H%M%S.parquet")]
    with pytest.raises(SettingsError, match="outputs 0 and 1 have the same names"):
        open_outputs(same)
    open_outputs([same[0], output(directory=str(tmp_path), name="%H%M%S.csv")]).close()


def asked(*words: str) -> tuple[Output, ...]:
    return outputs(parse(OPTIONS, words))


def test_the_command_line_names_several_outputs() -> None:
    one, two = asked(
        "-w", "/a/$srcid/%H.%M.%S", "tcp and port 80", "-w", "b.%H%M%S.csv", "-M", "time", "1h", "size", "2M"
    )
    assert (one.directory, one.name, one.filter) == ("/a", "$srcid/%H.%M.%S", "tcp and port 80")
    assert (two.directory, two.name, two.cutting.size) == (".", "b.%H%M%S.csv", 2_000_000)
    assert asked("--data", "x", "--rotate", "1m")[0].cutting.seconds == 60


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [("/a/b/%Y/x", ("/a/b", "%Y/x")), ("/a/x", ("/a", "x")), ("x", (".", "x")), ("$srcid/x", (".", "$srcid/x"))],
)
def test_a_pattern_begins_with_its_directory(pattern: str, parts: tuple[str, str]) -> None:
    assert split_pattern(pattern) == parts


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "x", "-M", "time"], "option -M takes"),
        (["--data", "x", "-M", "tiem", "5m"], "not 'tiem'"),
        (["--data", "x", "-f", "y"], "option --data: the settings file of -f says it"),
        (["-w", "x.%H%M%S", "tcp", "udp"], "has a filter already"),
        (["--data", "x", "--rotate", "soon"], "time should be a time"),
    ],
)
def test_what_is_wrong_with_options_is_said(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        asked(*words)


def test_times_and_sizes_have_units() -> None:
    def told(**values: Any) -> Output:
        return output(directory="x", **values)

    assert [told(time=text, name="%s").time for text in ("300", "90s", "5m", "1.5h", "1d", "2w")] == [
        300, 90, 300, 5400, DAY, 14 * DAY,
    ]  # fmt: skip
    assert [told(size=text).size for text in ("5000", "10k", "1.5M", "2G", "0")] == [
        5000,
        10_000,
        1_500_000,
        2 * 10**9,
        0,
    ]
