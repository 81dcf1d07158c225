"""Programs that behave, and programs that misbehave in every way there is."""

import os
import time
from pathlib import Path

import pytest

from probes.events.file import read_file
from probes.events.follow import FollowedFile
from probes.events.program import run_program

MOST = 100_000


def shell(script: str, timeout: float = 20.0) -> tuple[str, bytes]:
    answer = run_program(["/bin/sh", "-c", script], timeout=timeout, most=MOST)
    return answer.status, answer.output


def children() -> list[str]:
    """The processes that this one started and that are not reaped."""
    own = os.getpid()
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == own:
            found.append(f"{status.parent.name} {words[0]}")
    return found


def test_output_errors_and_status_are_told_apart() -> None:
    answer = run_program(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], timeout=20, most=MOST)
    assert (answer.output, answer.errors, answer.exit_status, answer.status) == (b"out\n", b"err\n", 3, "failed")
    assert answer.reason == "exit status 3"
    assert shell("printf fine") == ("ok", b"fine")


def test_no_shell_looks_at_arguments(tmp_path: Path) -> None:
    answer = run_program(["/bin/echo", f"$(touch {tmp_path}/made); `id`"], timeout=20, most=MOST)
    assert answer.output == f"$(touch {tmp_path}/made); `id`\n".encode()
    assert not list(tmp_path.iterdir())


def test_a_program_that_is_not_there_is_reported() -> None:
    answer = run_program(["/nonexistent"], timeout=1, most=MOST)
    assert (answer.status, answer.reason) == ("failed", "/nonexistent: No such file or directory")


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    status, _ = shell(f"sleep 1000 & echo $! > {mark}; wait", timeout=0.5)
    assert status == "timeout"
    _gone(int(mark.read_text()))


def test_what_a_program_leaves_in_the_background_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    assert shell(f"sleep 1000 & echo $! > {mark}; echo done") == ("ok", b"done\n")
    _gone(int(mark.read_text()))


def _gone(pid: int) -> None:
    """Wait until a process that is not ours has ended: whoever inherited it may reap it later."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} is still there")


def test_floods_are_cut(tmp_path: Path) -> None:
    for script in ("yes", "cat /dev/zero", "yes | tr -d '\\n'", "head -c 100000000 /dev/urandom"):
        answer = run_program(["/bin/sh", "-c", script], timeout=30, most=MOST)
        assert (answer.status, len(answer.output)) == ("flooded", MOST)
    answer = run_program(["/bin/sh", "-c", "yes >&2 & sleep 0.2; echo ok; kill %1"], timeout=30, most=MOST)
    assert len(answer.errors) <= 4096


def test_secrets_of_ours_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_BUS_PASSWORD", "secret")
    assert b"secret" not in shell("env")[1]


def test_a_thousand_runs_leave_no_process_and_no_descriptor() -> None:
    others, before = children(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted
    for _ in range(1000):
        assert run_program(["/bin/true"], timeout=60, most=MOST).status == "ok"
    assert len(children()) <= len(others)  # such as a server of other tests
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208


def test_files_are_read_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_file(str(tmp_path / "pipe"), MOST).output == b""
    assert read_file("/dev/zero", MOST).status == "flooded"
    assert read_file(str(tmp_path), MOST).reason.endswith("Is a directory")
    assert b"nr_free_pages" in read_file("/proc/vmstat", MOST).output


def test_a_log_is_followed_through_rotation(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    log = FollowedFile(str(path))
    log.begin()
    with path.open("ab") as file:
        file.write(b"one\ntw")
    assert log.read(MOST).output == b"one\n"
    with path.open("ab") as file:
        file.write(b"o\n")
    assert log.read(MOST).output == b"two\n"
    path.rename(tmp_path / "log.1")
    assert log.read(MOST).output == b""
    path.write_bytes(b"fresh\n")
    assert log.read(MOST).output == b"fresh\n"
    path.write_bytes(b"x\n")
    assert log.read(MOST).output == b"x\n"
    log.close()


def test_an_endless_line_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"")
    log = FollowedFile(str(path))
    log.begin()
    path.write_bytes(b"x" * 150 + b"\nnext\n")
    answers = [log.read(100) for _ in range(3)]
    assert [answer.status for answer in answers] == ["flooded", "ok", "ok"]
    assert b"".join(answer.output for answer in answers) == b"next\n"
    log.close()
