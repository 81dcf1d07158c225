"""Every command has an example, every example works, and help, manual page and completion say the same."""

import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.main import COMMANDS, main
from clients.manual.examples import EXAMPLES, Example
from clients.manual.pages import page, roff
from clients.options import EXAMPLES_HEADING
from tests.sample_run import make_run
from tests.started import started

MEASURED_ELSEWHERE = {"warmup"}  # tests/clients/test_warmup.py runs it


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make run` leaves."""
    place = tmp_path_factory.mktemp("examples")
    make_run(place)
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of the command's own with that in it."""
    shutil.copytree(made / "build" / "sample-data", tmp_path / "build" / "sample-data")
    (tmp_path / "build" / "sample.pcap").symlink_to(made / "build" / "sample.pcap")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{made / 'bin'}:{os.environ['PATH']}")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        yield tmp_path


def works(example: Example, capfd: pytest.CaptureFixture[str]) -> None:
    for part in example.line.split(" && "):
        if part.startswith("argosy ") and " | " not in part and " > " not in part:
            assert main(shlex.split(part)[1:]) == 0, capfd.readouterr().err
        else:
            done = subprocess.run(["sh", "-c", part], capture_output=True, text=True, check=False, timeout=90)
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in MEASURED_ELSEWHERE])
def test_the_examples_work(name: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for example in EXAMPLES[name]:
        if not example.needs:
            works(example, capfd)


@pytest.mark.parametrize("line", [each.line for some in EXAMPLES.values() for each in some if each.needs == "stop"])
def test_those_that_go_on_can_be_stopped(line: str, place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = str(taken.getsockname()[1])
    assert started(line.replace("5561", free)).stop() == 0


def test_every_command_has_an_example() -> None:
    assert [name for name in COMMANDS if not EXAMPLES.get(name)] == []
    assert [name for name in EXAMPLES if name not in COMMANDS] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_and_manual_page_say_the_same(name: str) -> None:
    read = page(name)
    assert read.usage[0].startswith(f"argosy {name}")
    assert {"-h", "--help"} & set(read.options) or name == "sink"
    lines = [head for head, _ in read.sections[EXAMPLES_HEADING]]
    assert lines == [example.line for example in EXAMPLES[name]]
    written = roff(read, "1")
    for option in read.options:
        assert option.replace("-", "\\-") in written
    assert not [line for line in written.splitlines() if line.startswith(("'", "..")) or line == "."]


def test_completion_knows_the_options_of_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in ("probe", "ragrep", "archive"):
        words = next(line for line in lines if line.strip().startswith(f"{name}) "))
        assert set(page(name).options) <= set(words.replace('"', " ").split())


def test_pages_are_printed_and_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man", "ra"]) == 0
    assert capsys.readouterr().out.startswith(".TH ARGOSY-RA 1 ")
    assert main(["man"]) == 0
    assert "argosy\\-ra(1)" in capsys.readouterr().out
    assert main(["man", "rra"]) == 2
    assert "did you mean 'ra'?" in capsys.readouterr().err
    assert main(["man", "--write", "pages"]) == 0
    assert len(list((place / "pages" / "man1").glob("argosy*.1"))) == len(COMMANDS) + 1
