"""A server for several processes is started once and ends with the last of them, however that one ends."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shared_servers import running, used
from tests.waiting import PATIENCE_SECONDS, wait_until
from topics.errors import ServerError

USER = """
import sys
from pathlib import Path
from tests.shared_servers import used
from tests.test_shared_servers import pretended
with used(pretended, Path(sys.argv[1]), Path(sys.argv[2])) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


@contextmanager
def pretended(directory: Path) -> Iterator[str]:
    """Say when it is started and ended, and by whom."""
    with (directory / "said").open("a", buffering=1) as said:
        said.write(f"started {os.getpid()}\n")
        yield str(os.getpid())
        said.write(f"ended {os.getpid()}\n")


@contextmanager
def broken(_: Path) -> Iterator[str]:
    """Be a server that cannot be started."""
    raise SystemExit(1)
    yield ""


def user(place: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USER, str(place), str(place.parent)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], PATIENCE_SECONDS)[0], "no address"
    return process.stdout.readline().strip()


def test_it_is_started_once_and_ends_with_the_last_user(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    users = [user(place), user(place)]
    try:
        first, again = map(address, users)
        assert first == again
        assert int(first) not in {process.pid for process in users}
        users[0].communicate()
        assert running(place) == ["pretended"]
        with used(pretended, place, tmp_path) as third:
            assert third == first
        users[1].kill()
        wait_until(lambda: not running(place), "end of the server")
        assert (tmp_path / "said").read_text() == f"started {first}\nended {first}\n"
        with used(pretended, place, tmp_path) as another:
            assert another != first
        wait_until(lambda: not running(place), "end of the server")
    finally:
        for process in users:
            process.kill()
            process.communicate()


def test_one_that_cannot_start_is_an_error_for_whoever_asks(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ServerError, match="broken for all tests did not start"), used(broken, tmp_path, tmp_path):
            pass
    assert running(tmp_path) == []


def test_without_others_it_belongs_to_the_process(tmp_path: Path) -> None:
    with used(pretended, None, tmp_path) as mine:
        assert mine == str(os.getpid())
