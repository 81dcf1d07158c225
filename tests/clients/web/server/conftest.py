"""One small archive, made by the pipeline of sample traffic, and a page on it; shared by all tests here."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import pytest
from starlette.testclient import TestClient

from clients.main import main
from clients.web.serving.app import application
from clients.web.setup import Setup
from clients.web.site import Site
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clients.web.serving.guard import Guard

DEADLINE = 120.0
OURS = {"x-argosy": "1"}  # what other sites cannot have a browser send


class Page(NamedTuple):
    """A page, and the site behind it."""

    client: TestClient
    site: Site
    data: Path


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what `argosy run` keeps of the sample, with alerts."""
    place = tmp_path_factory.mktemp("web")
    write_pcap(place / "sample.pcap", sample_frames(1))
    words = ["run", "-q", "-r", str(place / "sample.pcap"), "--data", str(place / "data"), "--rules", "starter"]
    assert main([*words, "-e", "tap", "-S", "5"]) == 0
    return place / "data"


def setup_of(data: Path, place: Path, guard: Guard | None = None) -> Setup:
    """Return how a page on an archive is set up, with a state and cache of its own."""
    made = Setup(cache=place / "cache", state=place / "state", directories=(str(data),), seconds=DEADLINE)
    return made if guard is None else dataclasses.replace(made, guard=guard)


def wait_until_prepared(client: TestClient) -> None:
    """Wait until the columns of all files are made."""
    wait_until(lambda: client.get("/api/meta").json()["preparing"]["fraction"] == 1, "columns of all files")


@pytest.fixture(scope="session")
def page(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return a page on the archive."""
    site = Site(setup_of(archive, tmp_path_factory.mktemp("page")))
    with TestClient(application(site), base_url="http://localhost") as client:
        wait_until_prepared(client)
        yield Page(client, site, archive)
