import pytest

from clients.main import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say where Kafka is: --bus kafka://HOST:PORT"),
        (["--bus", "localhost:9092"], "'localhost:9092' is no bus"),
        (["--bus", "kafka://a:1", "--idle-timeout", "soon"], "option --idle-timeout takes seconds, not 'soon'"),
        (["--bus", "kafka://a:1", "--active-timeout", "0"], "option --active-timeout takes 1 to 86400 seconds, not 0"),
        (["--bus", "kafka://a:1", "--gruop", "x"], "unknown option --gruop; did you mean '--group'?"),
        (["--bus", "kafka://a:1", "more"], "unknown word 'more'"),
    ],
)
def test_what_cannot_be_meant_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", *arguments]) == 2

    error = capsys.readouterr().err
    assert error.startswith("argosy worker: ")
    assert said in error
    assert error.count("\n") == 1


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--help"]) == 0

    help_text = capsys.readouterr().out
    for option in ("--bus", "--group", "--idle-timeout", "--active-timeout", "--broker-timeout", "--input"):
        assert option in help_text
