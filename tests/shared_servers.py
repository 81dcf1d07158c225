"""One server for all processes of a run of the tests: the first that needs it starts it, it ends with the run.

A keeper, a process of its own, runs the server. Every process that uses it holds a lock that the system takes back when
the process ends, however it ends; the keeper ends its server once nobody holds it any more.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from topics.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Server = Callable[[Path], AbstractContextManager[str]]  # from its directory to its address, while it runs


@contextmanager
def used(server: Server, place: Path | None, data: Path) -> Iterator[str]:
    """Address of a server, which is started on `data` if it does not run.

    place: directory that those who share it have in common; None for a server of one's own. The server has to be a
    function of a module, by whose name it is found again. Raises ServerError when it cannot be started.
    """
    if place is None:
        with server(data) as address:
            yield address
        return
    with (place / f"{server.__name__}.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is ending its server
        yield _address(server, place, data)


def _address(server: Server, place: Path, data: Path) -> str:
    address = place / server.__name__
    with (place / f"{server.__name__}.turn").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not address.exists():
            address.touch()
            _start(server, place, data)
        said = address.read_text() if address.exists() else ""
        if not said:
            raise ServerError(f"{server.__name__} for all tests did not start")
        return said


def _start(server: Server, place: Path, data: Path) -> None:
    """Start a keeper and wait until it closes its output: the server runs, or cannot."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.shared_servers", server.__module__, server.__name__, str(place), str(data)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the tests, with which it ends
    )
    assert keeper.stdout is not None
    with keeper.stdout as output:
        output.read()
    keeper.returncode = 0  # it may outlive this process, so nobody here waits for it


def _keep(module: str, name: str, place: str, data: str) -> None:
    """Run a server until none of its users is left."""
    server: Server = getattr(importlib.import_module(module), name)
    address = Path(place, name)
    with Path(place, f"{name}.users").open("a") as users:
        try:
            with server(Path(data)) as said:
                address.write_text(said)
                os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
                fcntl.flock(users, fcntl.LOCK_EX)
        finally:
            address.unlink(missing_ok=True)  # before the lock is given back, for which the next user waits


def _end(*_: object) -> NoReturn:
    raise SystemExit(1)


def running(place: Path) -> list[str]:
    """Names of the servers that run, start or end."""
    return sorted(path.name for path in place.iterdir() if not path.suffix)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    _keep(*sys.argv[1:])
