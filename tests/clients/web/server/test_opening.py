"""A server answers what it answered before while it is still loaded, of the same files alone, and to whom it may."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from clients.web.serving import opening
from clients.web.serving.app import application
from clients.web.serving.guard import guard
from clients.web.serving.lasting import META
from clients.web.serving.opening import Opening, load
from clients.web.site import Site
from tests.clients.web.server.conftest import setup_of, wait_until_prepared
from tests.waiting import wait_until
from topics.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.applications import Starlette

    from clients.web.setup import Setup

ASKED = "/api/top?by=proto"
TOKEN = "a token of enough characters"  # noqa: S105 - of this test


@pytest.fixture
def asked_before(archive: Path, tmp_path: Path) -> Setup:
    """Return a page on a copy of the archive, of which something was asked before."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "flows.parquet").write_bytes(next(archive.rglob("flows*.parquet")).read_bytes())
    setup = setup_of(data, tmp_path)
    site = Site(setup)
    with TestClient(application(site), base_url="http://localhost") as client:
        wait_until_prepared(client)
        assert client.get(ASKED).json()["rows"]
        _wait_until_warm(site)
    assert site.lasting.get(site.lasting.state, "/api/overview", {}) is None
    return setup


def _wait_until_warm(site: Site) -> None:
    """Wait until the server has kept what the first page shows: it does so once, and no test wants it later."""
    wait_until(lambda: site.lasting.get(site.lasting.state, META, {}) is not None, "answer that is kept")


class Slow:
    """Loads a server when it is let, not before."""

    def __init__(self) -> None:
        self.let, self.loaded = threading.Event(), threading.Event()
        self.asked = False

    def __call__(self, setup: Setup) -> Starlette:
        self.asked = True
        assert self.let.wait(60)
        made = load(setup)
        self.loaded.set()
        return made


def test_what_was_asked_before_is_answered_before_all_is_loaded(asked_before: Setup) -> None:
    slow = Slow()
    with TestClient(Opening(asked_before, load=slow), base_url="http://localhost") as client:
        assert client.get("/").status_code == 200
        assert client.get("/api/session").json()["signed_in"]
        early = _until_kept(client)
        assert early["rows"]
        slow.let.set()
        late = client.get("/api/top?by=state").json()
        assert late["rows"]
        assert client.get(ASKED).json() == early
        assert client.get("/api/meta").json()["records"] == sum(row["flows"] for row in early["rows"])


def test_a_page_that_is_kept_goes_before_the_rest_is_loaded_which_comes_by_itself(
    asked_before: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(asked_before)
    site.lasting.state = site.lasting.look()
    site.lasting.put(site.lasting.state, META, {}, b'{"records": 1}')
    slow = Slow()
    slow.let.set()
    monkeypatch.setattr(opening, "PATIENCE", 3600.0)
    with TestClient(Opening(asked_before, load=slow), base_url="http://localhost") as client:
        assert client.get(META).json()["records"] == 1
        assert client.get(ASKED).json()["rows"]
        assert not slow.asked
        assert client.get("/api/top?by=state").json()["rows"]
        assert slow.asked
    monkeypatch.setattr(opening, "PATIENCE", 0.0)
    with TestClient(Opening(asked_before, load=slow), base_url="http://localhost") as client:
        assert slow.loaded.wait(60)
        assert client.get("/api/session").json()["signed_in"]


def test_the_list_of_alerts_is_kept_until_somebody_says_something_of_one(asked_before: Setup) -> None:
    site = Site(asked_before)
    path, said = "/api/alerts", {"state": "open", "limit": "6"}
    site.lasting.state = site.lasting.look()
    assert site.lasting.get(site.lasting.state_of(path), path, said) is not None  # before anybody asked
    with TestClient(application(site), base_url="http://localhost") as client:
        listed = client.get(path, params=said).json()
    state = site.lasting.state_of(path)
    kept = site.lasting.get(state, path, said)
    assert kept is not None
    assert json.loads(kept)["alerts"] == listed["alerts"]
    before = site.lasting.state
    site.alert_state.acknowledge("0123456789abcdef", "ann", "")
    assert site.lasting.look() == before
    assert site.lasting.state_of(path) != state, "so what was kept is given no more"
    site.alert_state.silence({"rule": "much", "seconds": 60}, "ann")
    with TestClient(application(Site(asked_before)), base_url="http://localhost") as client:
        assert client.get(path, params=said).status_code == 200
    assert site.lasting.get(site.lasting.state_of(path), path, said) is None  # a silence ends by itself


def _until_kept(client: TestClient) -> dict[str, list[dict[str, int]]]:
    """Return the answer of before; who asks before the files were looked at waits for the rest of the server."""
    app = client.app
    assert isinstance(app, Opening)
    assert app.looked.wait(60)
    found: dict[str, list[dict[str, int]]] = client.get(ASKED).json()
    return found


def test_files_that_changed_make_answers_of_before_none(asked_before: Setup) -> None:
    flows = next((asked_before.cache.parent / "data").iterdir())
    lasting = Site(asked_before).lasting
    before = lasting.look()
    assert lasting.get(before, "/api/top", {"by": "proto"}) is not None
    os.utime(flows, (1, 1))
    assert lasting.look() != before
    assert lasting.get(lasting.look(), "/api/top", {"by": "proto"}) is None


def test_answers_of_before_are_told_to_those_alone_who_may_ask(asked_before: Setup) -> None:
    from dataclasses import replace

    closed = replace(asked_before, guard=guard("127.0.0.1", TOKEN, [], "", []))
    slow = Slow()
    with TestClient(Opening(closed, load=slow), base_url="http://localhost") as client:
        app = client.app
        assert isinstance(app, Opening)
        assert app.looked.wait(60)
        assert client.get(ASKED).status_code == 401
        assert client.get(ASKED, headers={"host": "evil.example"}).status_code == 403
        answer = client.get(ASKED, headers={"authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, bool(answer.json()["rows"])) == (200, True)
        assert answer.headers["x-content-type-options"] == "nosniff"
        slow.let.set()


def test_who_cannot_load_the_rest_says_why(asked_before: Setup) -> None:
    stopped = threading.Event()

    def failing(_: Setup) -> Starlette:
        raise InputError("no room")

    app = Opening(asked_before, stopped.set, failing)
    with TestClient(app, base_url="http://localhost") as client:
        assert stopped.wait(60)
        assert client.get("/api/top?by=state").status_code == 503
    assert str(app.failure) == "no room"
