import os
import subprocess
import sys
import types
from pathlib import Path
from typing import IO

import pytest

from clients import main as command_line
from tests.clients.test_sorting import written
from tests.topics.filter_texts import flows
from topics.errors import CaptureError, UsageError


def install(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    module = types.ModuleType("clients.pretended")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "clients.pretended", module)
    monkeypatch.setitem(command_line.COMMANDS, "pretended", command_line.Command("clients.pretended", "for the test"))


def raising(error: BaseException) -> object:
    def run(_: list[str]) -> int:
        raise error

    return run


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ("probe", "run", "ra", "racluster", "topics", "worker", "sink", "warmup"):
        assert f"\n  {name} " in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_without_a_command_the_help_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([]) == 2
    assert "usage: argosy COMMAND" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("argosy 0.")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("raclustr", "argosy: unknown command 'raclustr'; did you mean 'racluster'?"),
        ("--verson", "argosy: unknown option '--verson'; did you mean '--version'?"),
        ("xyzzy", "argosy: unknown command 'xyzzy'; see argosy --help"),
    ],
)
def test_an_unknown_word_suggests_the_nearest(word: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([word]) == 2
    assert capsys.readouterr().err == message + "\n"


def test_a_command_gets_its_arguments_and_gives_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def run(arguments: list[str]) -> int:
        seen.extend(arguments)
        return 7

    install(monkeypatch, run)
    assert command_line.main(["pretended", "-r", "x"]) == 7
    assert seen == ["-r", "x"]


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UsageError("unknown field 'x'"), 2, "argosy pretended: unknown field 'x'\n"),
        (
            CaptureError("a.pcap", 24, "packet cut short"),
            1,
            "argosy pretended: a.pcap: packet cut short at offset 24\n",
        ),
        (PermissionError(13, "Permission denied", "/x"), 1, "argosy pretended: /x: Permission denied\n"),
        (OSError("two\nlines"), 1, "argosy pretended: two lines\n"),
        (BrokenPipeError(), 0, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_goes_wrong_is_one_line(
    error: BaseException, status: int, message: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "_forget_standard_output", lambda: None)
    install(monkeypatch, raising(error))
    assert command_line.main(["pretended"]) == status
    assert capfd.readouterr().err == message


def test_a_bug_is_one_line_unless_asked_for_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, raising(ZeroDivisionError("division by zero")))
    monkeypatch.delenv("ARGOSY_DEBUG", raising=False)
    assert command_line.main(["pretended"]) == 1
    said = capsys.readouterr().err
    start = "argosy pretended: internal error, ZeroDivisionError: division by zero (tests.clients.test_main.run, line"
    assert said.startswith(start)
    assert said.count("\n") == 1
    monkeypatch.setenv("ARGOSY_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        command_line.main(["pretended"])


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "clients.main", "--help"], stdout=output, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


def as_a_process(body: str, output: int | IO[bytes]) -> subprocess.CompletedProcess[bytes]:
    """Run the command as the process it is when typed; `body` is what it does."""
    code = f"""
import atexit, sys, threading, types
from clients import main as command_line
def run(_):
    {body}
    return 3
sys.modules["clients.pretended"] = types.SimpleNamespace(run=run)
command_line.COMMANDS["pretended"] = command_line.Command("clients.pretended", "")
sys.argv[1:] = ["pretended"]
sys.exit(command_line.main())
"""
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    return subprocess.run(
        [sys.executable, "-c", code], stdout=output, stderr=subprocess.PIPE, check=False, env=buffered
    )


def test_what_is_left_to_do_is_done_before_the_process_ends() -> None:
    thread = "threading.Thread(target=lambda: (threading.main_thread().join(), print('thread'))).start()"
    done = as_a_process(f"{thread}; atexit.register(print, 'registered')", subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"thread\nregistered\n", b"")


def test_what_cannot_be_written_in_the_end_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = as_a_process("atexit.register(sys.stdout.write, 'late')", full)
    assert done.returncode not in {0, 3}
    assert b"No space left on device" in done.stderr


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, clients.main as m; m.main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = ("numpy", "polars", "pyarrow", "numba", "rich", "pydantic", "asyncio")
    assert not [name for name in heavy if f"'{name}'" in done.stderr]


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_tells_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: argosy {name}")


def test_without_a_place_for_compiled_kernels_it_says_which_one_to_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = {"NUMBA_CACHE_DIR": str(tmp_path / "file" / "kernels"), "ARGOSY_DEBUG": ""}
    code = "import sys, clients.main as m; sys.exit(m.main(['racluster', '-r', *sys.argv[1:]]))"
    records = written(tmp_path / "records.parquet", flows(10, seed=1))
    command = [sys.executable, "-c", code, records, "-w", str(tmp_path / "merged.arrow")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | nowhere, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "argosy racluster: no place for compiled kernels: NUMBA_CACHE_DIR" in done.stderr
