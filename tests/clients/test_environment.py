"""Settings of services from the environment."""

import pytest

from clients.environment import complete, parse_service, prefix, variables
from clients.options import Option, Parsed, parse
from clients.worker import OPTIONS
from topics.errors import SettingsError

SOME = (
    Option("--bus", "URL"),
    Option("--rules", "RULES..."),
    Option("--try", ""),
    Option("-q", ""),
    Option("-h --help"),
)


def told(environment: dict[str, str], *words: str) -> Parsed:
    parsed = parse(SOME, words)
    complete(parsed, SOME, prefix("alerts run"), environment)
    return parsed


def test_the_command_line_goes_before_the_environment() -> None:
    environment = {"ARGOSY_ALERTS_RUN_BUS": "kafka://b:1", "ARGOSY_BUS": "kafka://c:1"}
    assert told(environment, "--bus", "kafka://a:1").word("--bus") == "kafka://a:1"
    assert told(environment).word("--bus") == "kafka://b:1"
    assert told({"ARGOSY_BUS": "kafka://c:1", "ARGOSY_ALERTS_RUN_BUS": ""}).word("--bus") == "kafka://c:1"


def test_lists_are_words_and_switches_are_yes_or_no() -> None:
    found = told({"ARGOSY_ALERTS_RUN_RULES": "starter '/etc/my rules'", "ARGOSY_ALERTS_RUN_TRY": "yes"})
    assert found.words("--rules") == ["starter", "/etc/my rules"]
    assert found.groups["--rules"] == [["starter", "/etc/my rules"]]
    assert found.count("--try") == 1
    assert told({"ARGOSY_ALERTS_RUN_TRY": "no"}).count("--try") == 0


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ARGOSY_ALERTS_RUN_RULE": "x"}, "ARGOSY_ALERTS_RUN_RULE is no setting; did you mean"),
        ({"ARGOSY_ALERTS_RUN_TRY": "maybe"}, "ARGOSY_ALERTS_RUN_TRY takes yes or no, not 'maybe'"),
        ({"ARGOSY_ALERTS_RUN_RULES": "'x"}, "ARGOSY_ALERTS_RUN_RULES: No closing quotation"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_the_variable(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        told(environment)


def test_services_take_every_long_option(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ARGOSY_WORKER_IDLE_TIMEOUT" in variables(OPTIONS, prefix("worker"))
    monkeypatch.setenv("ARGOSY_WORKER_IDLE_TIMEOUT", "20")
    parsed = parse_service("worker", "", "", OPTIONS, [])
    assert parsed is not None
    assert parsed.word("--idle-timeout") == "20"
