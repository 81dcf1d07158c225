import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from clients.listing.columns import DEFAULT, columns
from clients.listing.lines import Listing
from clients.listing.printer import Printer
from clients.listing.window import Window
from tests.clients.flows import ten
from topics.errors import DiskFullError, UsageError
from topics.fields import Field, Style
from topics.frame import to_arrow


def frame() -> pl.DataFrame:
    converted = pl.from_arrow(to_arrow(ten()))
    assert isinstance(converted, pl.DataFrame)
    return converted


def names(*words: str) -> list[str]:
    return [column.name for column in columns(words)]


def test_without_a_word_the_columns_are_those_of_ra() -> None:
    assert tuple(names()) == DEFAULT


def test_words_replace_the_columns_unless_the_first_has_a_sign() -> None:
    assert names("stime", "dur") == names("stime,dur") == names("stime dur") == ["stime", "dur"]
    assert names("+dur") == [*DEFAULT, "dur"]
    assert names("-stime", "-flgs") == list(DEFAULT[2:])
    assert names("stime", "+dur", "-stime") == ["dur"]


def test_a_number_says_after_which_column_to_insert() -> None:
    assert names("+0dur")[:2] == ["dur", "stime"]
    assert names("+3dur")[2:5] == ["proto", "dur", "saddr"]
    assert names("+99dur")[-1] == "dur"


def test_a_width_may_follow() -> None:
    assert [column.width for column in columns(["saddr:40", "dur"])] == [40, 10]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sadr"], "unknown field 'sadr'; did you mean 'saddr'?"),
        (["+", "dur"], "unknown field ''"),
        (["dur:0"], "field 'dur': '0' is no width; give a number from 1 to 4096"),
        (["dur:x"], "field 'dur': 'x' is no width; give a number from 1 to 4096"),
        (["dur", "-dur"], "option -s leaves no field to print"),
    ],
)
def test_what_is_no_field_is_named(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        columns(words)
    assert str(caught.value) == message


def first_line(chosen: list[Field], style: Style) -> object:
    return Listing(chosen, style).lines(frame())[0]


def test_the_port_hangs_on_its_address() -> None:
    printed = first_line(columns(["saddr", "sport", "daddr", "dport", "proto"]), Style())
    assert printed == "          10.0.0.1.40001           192.0.2.1.http      tcp"
    apart = first_line(columns(["saddr", "dport"]), Style())
    assert apart == "          10.0.0.1 http"


def test_what_does_not_fit_ends_in_a_star() -> None:
    assert first_line(columns(["daddr:5", "bytes:2"]), Style()) == "192.* 2*"
    assert Listing(columns(["daddr:5", "bytes:2"]), Style()).heading() == "DstAd To "


def test_numbers_of_ports_are_never_cut() -> None:
    assert first_line(columns(["sport:2", "dur"]), Style(port_names=False)) == "40001   1.000000"


def test_free_text_is_quoted_between_delimiters_when_it_has_to_be() -> None:
    labelled = frame().head(4).with_columns(labels=pl.Series(["a=b", "a=b,c", 'say "x"', "two\nlines"]))
    printed = Listing(columns(["trans", "label"]), Style(), ",").lines(labelled).to_list()
    assert printed == ["1,a=b", '1,"a=b,c"', '1,"say ""x"""', '1,"two\nlines"']


def test_control_characters_never_reach_the_terminal() -> None:
    labelled = frame().head(1).with_columns(labels=pl.lit("a=\x1b[31m\n"))
    assert Listing(columns(["label:20"]), Style()).lines(labelled).item() == "a=.[31m."


@pytest.mark.parametrize(
    ("text", "window"),
    [
        (None, Window()),
        ("3", Window(1, 3)),
        ("i3", Window(1, 3)),
        ("o2-3", Window(2, 3, of_output=True)),
        ("2+3", Window(2, 5)),
        ("0", Window(1, 0)),
    ],
)
def test_windows(text: str | None, window: Window) -> None:
    assert Window.parse(text) == window


@pytest.mark.parametrize("text", ["", "x", "2-", "-3", "o", "1-2-3", "99999999999999999999"])
def test_what_is_no_window_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="option -N takes n"):
        Window.parse(text)


def test_a_window_reads_no_further_than_its_end() -> None:
    taken = []

    def pieces() -> Iterator[pl.DataFrame]:
        for start in range(0, 100, 3):
            taken.append(start)
            yield pl.DataFrame({"n": range(start + 1, start + 4)})

    cut = pl.concat(Window(5, 8).cut(pieces()))
    assert cut["n"].to_list() == [5, 6, 7, 8]
    assert taken == [0, 3, 6]


@pytest.mark.parametrize(("every", "places"), [(0, [0]), (-1, []), (4, [0, 5, 10]), (100, [0])])
def test_the_heading_repeats_however_records_come(
    every: int, places: list[int], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    printer = Printer(Listing(columns(["rank", "trans"]), Style()), every=every)
    for start in range(0, 10, 3):
        printer.print(frame().slice(start, 3))
    printed = capfdbinary.readouterr().out.decode().splitlines()
    assert [place for place, line in enumerate(printed) if "Rank" in line] == places
    assert [int(line.split()[0]) for line in printed if "Rank" not in line] == list(range(1, 11))


def test_a_full_disk_is_said_to_be_full(monkeypatch: pytest.MonkeyPatch) -> None:
    with suppress(OSError), Path("/dev/full").open("w", encoding="utf-8") as full:  # as it is closed, the same again
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(DiskFullError, match=r"^standard output: No space left on device$"):
            Printer(Listing(columns(["saddr"]), Style())).print(frame())
