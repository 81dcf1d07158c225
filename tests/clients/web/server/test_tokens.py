"""Without the token, and from nobody but the proxy, nothing is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from clients.main import main
from clients.web.serving.app import application
from clients.web.serving.guard import guard
from clients.web.site import Site
from tests.clients.web.server.conftest import OURS, setup_of
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a token of enough characters"  # noqa: S105 - of this test


@pytest.fixture(scope="module")
def guarded(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    place = tmp_path_factory.mktemp("guarded")
    site = Site(setup_of(archive, place, guard("127.0.0.1", TOKEN, ["argosy.example"], "", [])))
    with TestClient(application(site), base_url="http://localhost") as client:
        yield client


def test_without_the_token_nothing_is_told(guarded: TestClient) -> None:
    guarded.cookies.clear()
    for path in (
        "/api/meta",
        "/api/overview",
        "/api/flows/export",
        "/api/live",
        "/api/flow/" + "0" * 32,
        "/api/nothing",
    ):
        answer = guarded.get(path)
        assert answer.status_code == 401
        assert answer.json()["error"]["kind"] == "token"
    assert guarded.get("/api/session").json() == {"signed_in": False, "needs": "token", "user": None}
    assert guarded.post("/api/rules/check", json={"text": ""}, headers=OURS).status_code == 401
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "ü" * 40):
        assert guarded.post("/api/session", json={"token": wrong}, headers=OURS).status_code == 401
    assert guarded.get("/", params={"token": "wrong"}, follow_redirects=False).status_code == 401
    assert guarded.get("/api/meta", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert guarded.get("/api/meta", headers={"cookie": f"argosy={TOKEN}"}).status_code == 401


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(guarded: TestClient) -> None:
    guarded.cookies.clear()
    answer = guarded.post("/api/session", json={"token": TOKEN}, headers=OURS)
    said = answer.headers["set-cookie"].lower()
    assert answer.status_code == 204
    assert "httponly" in said
    assert "samesite=strict" in said
    assert TOKEN not in said
    assert guarded.get("/api/meta").status_code == 200
    assert guarded.delete("/api/session", headers=OURS).status_code == 204
    guarded.cookies.clear()
    first = guarded.get("/", params={"token": TOKEN}, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    guarded.cookies.clear()
    assert guarded.get("/api/meta", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_user_is_believed_from_the_proxy_alone(archive: Path, tmp_path: Path) -> None:
    made = guard("127.0.0.1", "", [], "X-User", ["10.0.0.0/8"])
    with TestClient(application(Site(setup_of(archive, tmp_path, made))), base_url="http://localhost") as client:
        assert client.get("/api/meta", headers={"x-user": "ada"}).status_code == 401
    site = Site(setup_of(archive, tmp_path, made))
    with TestClient(application(site), base_url="http://localhost", client=("10.1.2.3", 5)) as client:
        assert client.get("/api/session", headers={"x-user": "ada"}).json()["user"] == "ada"
        assert client.get("/api/meta", headers={"x-user": "ada"}).status_code == 200
        assert client.get("/api/meta").status_code == 401


@pytest.mark.parametrize(
    "words",
    [
        ["--listen", "0.0.0.0"],
        ["--listen", "192.0.2.1"],
        ["--user-header", "X-User"],
        ["--proxy", "nonsense", "--user-header", "X-User"],
        ["--port", "x"],
        ["-", "tcp"],
    ],
)
def test_elsewhere_only_with_a_token_or_a_proxy(
    words: list[str], archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARGOSY_WEB_TOKEN", raising=False)
    assert main(["web", "-R", str(archive), *words]) == 2


def test_a_short_token_is_none() -> None:
    with pytest.raises(UsageError, match="fewer than 16"):
        guard("127.0.0.1", "short", [], "", [])


def test_names_rebound_to_this_address_are_refused(guarded: TestClient) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for host in ("evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:8561", "evil.example:8561"):
        assert guarded.get("/api/meta", headers={**bearer, "host": host}).status_code == 403
    for host in ("localhost", "127.0.0.1:8561", "[::1]:8561", "ARGOSY.example"):
        assert guarded.get("/api/meta", headers={**bearer, "host": host}).status_code == 200
