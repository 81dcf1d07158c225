import pytest

from clients.options import Option, help_text, parse
from topics.errors import UsageError

OPTIONS = [
    Option("-r", "FILE...", "read these files"),
    Option("-s", "FIELD...", "print these fields"),
    Option("-n", "", "numbers"),
    Option("-u", "", "epoch time"),
    Option("-c", "CHAR", "delimiter"),
    Option("-p", "DIGITS", "fraction digits"),
    Option("-h --help", "", "this text"),
    Option("--bus", "URL", "address of Kafka"),
]


def test_letters_cluster_and_switches_count() -> None:
    parsed = parse(OPTIONS, ["-nnu", "-n"])
    assert (parsed.count("-n"), parsed.count("-u"), parsed.count("-h")) == (3, 1, 0)


def test_an_argument_may_stand_in_the_same_word() -> None:
    parsed = parse(OPTIONS, ["-nc,", "-p6"])
    assert (parsed.word("-c"), parsed.number("-p", 0), parsed.count("-n")) == (",", 6, 1)


def test_an_option_of_several_words_ends_at_the_next_option() -> None:
    parsed = parse(OPTIONS, ["-r", "a", "b", "-s", "-stime", "+2dur", "-n", "-r", "c"])
    assert parsed.words("-r") == ["a", "b", "c"]
    assert parsed.words("-s") == ["-stime", "+2dur"]
    assert parsed.count("-n") == 1


def test_standard_input_and_the_filter_are_both_a_dash() -> None:
    parsed = parse(OPTIONS, ["-r", "-", "-", "tcp", "and", "-n"])
    assert parsed.words("-r") == ["-"]
    assert parsed.expression == "tcp and -n"
    assert parsed.count("-n") == 0


def test_words_that_belong_to_no_option_are_the_rest() -> None:
    parsed = parse(OPTIONS, ["tail", "-n", "flows"])
    assert parsed.rest == ["tail", "flows"]


@pytest.mark.parametrize("arguments", [["--bus", "kafka://h"], ["--bus=kafka://h"]])
def test_long_options_take_their_argument_either_way(arguments: list[str]) -> None:
    assert parse(OPTIONS, arguments).word("--bus") == "kafka://h"


def test_either_spelling_is_the_same_option() -> None:
    assert parse(OPTIONS, ["-h"]).count("-h") == parse(OPTIONS, ["--help"]).count("-h") == 1


def test_what_was_not_given_has_the_default() -> None:
    parsed = parse(OPTIONS, [])
    assert (parsed.word("-c"), parsed.word("-c", ";"), parsed.number("-p", 6), parsed.words("-r")) == (None, ";", 6, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-x"], "unknown option -x"),
        (["-U"], "unknown option -U; did you mean '-u'?"),
        (["-nxu"], "unknown option -x in '-nxu'"),
        (["-bus", "x"], "unknown option -bus; did you mean '--bus'?"),
        (["--bos", "x"], "unknown option --bos; did you mean '--bus'?"),
        (["--help=x"], "option --help takes no argument"),
        (["-r"], "option -r needs an argument: FILE..."),
    ],
)
def test_a_command_line_that_cannot_be_understood_names_the_word(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(OPTIONS, arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [("six", "option -p takes a whole number, not 'six'"), ("-1", "option -p takes a number from 0 up, not -1")],
)
def test_a_number_that_is_none_names_the_option(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(OPTIONS, ["-p", text]).number("-p", 6, minimum=0)
    assert str(caught.value) == message


def test_help_aligns_its_entries() -> None:
    lines = help_text("argosy x [OPTIONS]", "Does x.", OPTIONS).splitlines()
    assert lines[:3] == ["usage: argosy x [OPTIONS]", "", "Does x."]
    assert "  -r FILE...              read these files" in lines
    assert "  -h, --help              this text" in lines
