import pytest

from clients.main import main
from clients.options import Option, parse
from clients.sink.shared import seconds
from topics.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "argosy sink files|sql|events|findings|alerts --bus"),
        (["file"], "not 'file'; did you mean 'files'?"),
        (["files"], "say where Kafka is"),
        (["files", "--bus", "kafka://h:1"], "say where files go"),
        (["sql", "--bus", "kafka://h:1"], "say which database"),
        (["files", "--patern", "x"], "did you mean '--pattern'"),
        (["files", "--url", "x"], "unknown option --url"),
        (["sql", "word"], "unknown word 'word'"),
        (["files", "--bus", "kafka://h:1", "--data", "d", "--until-idle", "soon"], "takes a time as 300, 90s"),
        (["sql", "--bus", "kafka://h:1", "--url", "oracle://u:secret@h/d"], "unknown kind of database 'oracle'"),
        (["files", "--bus", "h:1", "--data", "d"], "no bus"),
    ],
)
def test_what_is_wrong_with_the_command_line_is_said_in_one_line(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert main(["sink", *arguments]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1
    assert "secret" not in line


@pytest.mark.parametrize("arguments", [["--help"], ["files", "--help"], ["sql", "-h"]])
def test_help_is_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sink", *arguments]) == 0
    assert "--until-idle TIME" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "value"),
    [("300", 300), ("90s", 90), ("5m", 300), ("1h", 3600), ("1d", 86_400), ("0.5", 0.5), ("1.5m", 90)],
)
def test_times_are_written_with_their_unit(text: str, value: float) -> None:
    assert seconds(parse([Option("--rotate", "TIME")], ["--rotate", text]), "--rotate", "1m") == value


@pytest.mark.parametrize("text", ["", "m", "-1", "5w", "nan", "inf", "1e9d"])
def test_other_times_are_refused(text: str) -> None:
    if text:
        with pytest.raises(UsageError, match="--rotate takes a time"):
            seconds(parse([Option("--rotate", "TIME")], ["--rotate", text]), "--rotate", "1m")
    else:
        assert seconds(parse([Option("--rotate", "TIME")], []), "--rotate", "1m") == 60
