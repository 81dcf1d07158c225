"""What pages show is what happens: commands are run, answers compared, and no option is named that is not there."""

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.main import main
from tests.docs.commands import commands, named, wrong
from tests.docs.console import ROOT, Typed, answers, blocks, pages, typed
from tests.sample_run import make_run

BY_SHELL = re.compile(r"[|<>;&$*]")
PAGES = [str(page.relative_to(ROOT)) for page in pages()]
SHOWN = [name for name in PAGES if any(block.is_run for block in blocks((ROOT / name).read_text()))]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reader")
    make_run(place)
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a reader stands who has run `make run` and set TZ."""
    shutil.copytree(made / "build", tmp_path / "build")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{made / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        patch.setenv("COLUMNS", "100")
        time.tzset()
        yield tmp_path
    time.tzset()


def answered(line: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What a line prints, standard error last; commands of ours without a shell run in this process."""
    capfd.readouterr()
    if line.startswith("argosy ") and not BY_SHELL.search(re.sub(r"'[^']*'", "", line)):
        main(shlex.split(line)[1:])
        return "".join(capfd.readouterr())
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=90)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", SHOWN)
def test_commands_answer_what_the_page_shows(name: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for block in blocks((ROOT / name).read_text()):
        if block.title:
            file = place / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        for each in typed(block) if block.is_run else ():
            given = answered(each.line, capfd)
            assert answers(each.answer, given), f"{name}:{block.line}: $ {each.line}\n{given}"


@pytest.mark.parametrize("name", PAGES)
def test_commands_and_options_exist(name: str) -> None:
    page = (ROOT / name).read_text()
    found = [(line, wrong(words)) for line in named(page) for words in commands(line)]
    assert [each for each in found if each[1]] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_console_has_a_command(name: str) -> None:
    found = list(blocks((ROOT / name).read_text()))
    assert [block.line for block in found if block.language == "console" and not list(typed(block))] == []


def test_tutorial_and_readme_are_run() -> None:
    assert {"README.md", "docs/tutorial.md"} <= set(SHOWN)


@pytest.mark.parametrize(
    ("wanted", "given", "is_same"),
    [
        ([], "", True),
        ([], "a\n", False),
        (["a", "b"], "a\nb\n", True),
        (["a", "b"], "a  \nb", True),
        (["a"], "a\nb\n", False),
        (["a", "...", "c"], "a\nb\nb\nc\n", True),
        (["a", "...", "c"], "a\nc\n", True),
        (["a", "...", "c"], "a\nb\n", False),
        (["in ... s"], "in 1.5 s\n", True),
        (["in ... s"], "in 1.5\n s\n", False),
        (["a.c"], "abc\n", False),
    ],
)
def test_answers_are_compared(wanted: list[str], given: str, is_same: bool) -> None:
    assert answers(wanted, given) is is_same


def test_commands_are_found_in_blocks() -> None:
    shown = "```console\n$ argosy ra -R x \\\n    - tcp\nout\n\n$ date\n```\n"
    page = f"{shown}\n<!-- not run: why -->\n```console\n$ argosy fields\n```\n"
    first, second = blocks(page)
    assert list(typed(first)) == [Typed("argosy ra -R x      - tcp", ["out"]), Typed("date", [])]
    assert (first.is_run, second.is_run) == (True, False)


@pytest.mark.parametrize(
    "line",
    [
        "argosy rra -r x",
        "argosy ra --what -r x",
        "cat x | argosy racount -r - -Y",
        "argosy sink files --bsu kafka://h",
        "argosy ragraph bytes -hight 20",
    ],
)
def test_what_is_not_there_is_found(line: str) -> None:
    assert [found for words in commands(line) if (found := wrong(words))]


@pytest.mark.parametrize(
    "line",
    [
        "argosy ra -nr x -s stime - tcp and not port 22  # a comment",
        "argosy probe -r x -w - | argosy ra -r - && echo done",
        "argosy ragraph bytes -height 200 -r x",
        "sudo .venv/bin/argosy probe -i eth0 -u nobody -w kafka://h:1 &",
    ],
)
def test_what_is_there_passes(line: str) -> None:
    assert [wrong(words) for words in commands(line)] == [""] * line.count("argosy ")
