"""Pytest plugin: the processes of a run have a directory in common, by which they share servers."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.shared_servers import running
from tests.waiting import wait_until

DIRECTORY = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the directory, in the process that starts the others."""
    if not hasattr(config, "workerinput") and config.getoption("dist", "no") != "no":
        config.stash[DIRECTORY] = Path(tempfile.mkdtemp(prefix="argosy-servers-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell one of the others where it is."""
    node.workerinput["servers"] = str(node.config.stash[DIRECTORY])  # type: ignore[attr-defined]  # xdist is untyped


def pytest_unconfigure(config: pytest.Config) -> None:
    """Return when the servers have ended, and leave nothing behind."""
    place = config.stash.get(DIRECTORY, None)
    if place is not None:
        wait_until(lambda: not running(place), "end of the servers for all tests")
        shutil.rmtree(place)


@pytest.fixture(scope="session")
def shared_place(request: pytest.FixtureRequest) -> Path | None:
    """Directory that the processes of this run have in common; None where there is one process."""
    given: dict[str, str] = getattr(request.config, "workerinput", {})
    return Path(given["servers"]) if "servers" in given else None
