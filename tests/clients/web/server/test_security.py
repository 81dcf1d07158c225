"""Who may ask, what can be reached, and that what is said on the wire or in a question is text and nothing else."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import QueryParams
from starlette.testclient import TestClient

from clients.main import main
from clients.web.asking.asked import Asked
from clients.web.asking.leading import filter_of
from clients.web.errors import SupersededError, TimeoutExceededError
from clients.web.serving import answering, app
from clients.web.serving.answering import Answering
from clients.web.serving.app import application
from clients.web.serving.guard import guard
from clients.web.site import Site
from tests.clients.web.server.conftest import setup_of
from topics import filter as filters
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients.web.server.conftest import Page

TOKEN = "a token of enough characters"  # noqa: S105 - of this test
OURS = {"x-argosy": "1"}


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


def test_names_rebound_to_this_address_are_refused(guarded: TestClient) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for host in ("evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:8561", "evil.example:8561"):
        assert guarded.get("/api/meta", headers={**bearer, "host": host}).status_code == 403
    for host in ("localhost", "127.0.0.1:8561", "[::1]:8561", "ARGOSY.example"):
        assert guarded.get("/api/meta", headers={**bearer, "host": host}).status_code == 200


def test_other_sites_change_nothing(page: Page) -> None:
    said: dict[str, Any] = {"rule": "x", "seconds": 1}
    post = page.client.post
    assert post("/api/silences", json=said).status_code == 403
    assert post("/api/silences", json=said, headers={**OURS, "origin": "http://evil.example"}).status_code == 403
    assert post("/api/silences", json=said, headers={**OURS, "sec-fetch-site": "cross-site"}).status_code == 403
    assert post("/api/silences", json=said, headers={**OURS, "origin": "http://localhost"}).status_code == 201


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


def test_every_answer_is_safe_to_show(page: Page) -> None:
    for path in ("/", "/flows", "/api/meta", "/api/nothing", "/api/overview?q=wrong", "/assets/none.js"):
        headers = page.client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        if path.startswith("/api/"):
            assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/..%2f..%2fapp.py",
        "/assets/%2e%2e/app.py",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/..\\..\\app.py",
        "/app.py",
        "/.hidden",
        "/assets/link.txt",
        "/index.html%00.js",
    ],
)
def test_no_path_leads_out_of_the_page(page: Page, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "built" / "assets").mkdir(parents=True)
    (tmp_path / "built" / "index.html").write_text("the page")
    (tmp_path / "app.py").write_text("SECRET")
    (tmp_path / "built" / ".hidden").write_text("SECRET")
    (tmp_path / "built" / "assets" / "link.txt").symlink_to(tmp_path / "app.py")
    monkeypatch.setattr(app, "ASSETS", tmp_path / "built")
    answer = page.client.get(path)
    assert "SECRET" not in answer.text
    assert "root:" not in answer.text
    assert answer.status_code == 404 or answer.text == "the page"


HOSTILE = [
    "host in /etc/passwd",
    "port in /etc/passwd",
    "saddr in /etc/passwd",
    "IN in IN",
    "'; DROP TABLE flows; --",
    '" or "1" = "1',
    "saddr ~ (((((((((((((((",
    "saddr ~ '(a+)+$'",
    "<script>alert(1)</script>",
    "(" * 3000,
    "not " * 1000,
    "tcp or udp and " * 200 + "tcp",
    "\x01\x02",
    "ü" * 500,
    'saddr ~ "' + "a" * 4000 + '"',
    "bytes gt 1e999",
    "bytes gt -1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_filters_are_text_and_nothing_else(page: Page, text: str) -> None:
    for path in (
        "/api/overview",
        "/api/flows",
        "/api/flows/export",
        "/api/graph",
        "/api/filter/check",
        "/api/filter/complete",
    ):
        answer = page.client.get(path, params={"q": text})
        assert answer.status_code in {200, 400, 413}, (path, answer.text[:200])
        assert "root:" not in answer.text
        if answer.status_code >= 400:
            assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/flows", {"fields": "saddr;drop table flows"}),
        ("/api/flows", {"fields": "__class__"}),
        ("/api/flows", {"fields": ",".join(["saddr"] * 3000)}),
        ("/api/flows", {"sort": "1; DROP TABLE flows"}),
        ("/api/flows", {"group": "saddr,(SELECT 1)"}),
        ("/api/flows", {"limit": "1001"}),
        ("/api/flows", {"limit": "-1"}),
        ("/api/flows", {"offset": "99999999999999999999999"}),
        ("/api/top", {"by": "addr' or 1=1"}),
        ("/api/top", {"metric": "bytes) FROM x"}),
        ("/api/series", {"bins": "100000000"}),
        ("/api/series", {"from": "nan"}),
        ("/api/series", {"from": "1e30"}),
        ("/api/series", {"from": "5", "to": "1"}),
        ("/api/series", {"t": "../../etc/passwd"}),
        ("/api/series", {"t": "x" * 5000}),
        ("/api/series", {"t": "-1h", "tz": "../../../etc/passwd"}),
        ("/api/flows", {"tz": "/etc/passwd"}),
        ("/api/flows/export", {"format": "../../x"}),
        ("/api/flow/..%2f..%2fetc%2fpasswd", {}),
        ("/api/host/..%2f..%2fetc%2fpasswd", {}),
        ("/api/graph", {"nodes": "501"}),
        ("/api/live", {"only": "everything"}),
        ("/api/overview", {"q": "x" * 9000}),
        ("/api/overview", {f"p{number}": "x" for number in range(40)}),
        ("/api/overview", {"q": "tcp\0"}),
        ("/api/overview", {"id": "a b"}),
    ],
)
def test_parameters_have_limits_and_say_so(page: Page, path: str, said: dict[str, str]) -> None:
    answer = page.client.get(path, params=said)
    assert answer.status_code in {400, 404, 413}, answer.text[:200]
    assert answer.json()["error"]["message"]
    assert "root:" not in answer.text


def test_bodies_have_limits(page: Page) -> None:
    post = page.client.post
    assert post("/api/rules/check", content=b"x" * (2 << 20), headers=OURS).status_code == 413
    for content in (b"[]", b"{", b"[" * 100_000, b'"text"', b"\xff"):
        assert post("/api/rules/check", content=content, headers=OURS).status_code == 400
    assert post("/api/silences", json={"rule": "(", "seconds": 5}, headers=OURS).status_code == 400
    assert post("/api/silences", json={"rule": "x" * 2000, "seconds": 5}, headers=OURS).status_code == 400
    assert post("/api/silences", json={"rule": "x", "seconds": 1e12}, headers=OURS).status_code == 400
    assert post("/api/silences", json={"subject": {"saddr": ["x"]}, "seconds": 5}, headers=OURS).status_code == 400


HOSTILE_NAMES = [
    '<img src=x onerror="alert(1)">',
    "</script><script>alert(1)</script>",
    'a" or saddr ~ ".',
    "a) or (tcp",
    "\u202egnp.exe",
    "=HYPERLINK(1)",
    "\ud800",
    "a\nb",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_from_the_wire_are_values_of_json_and_never_words_of_a_filter(name: str) -> None:
    assert json.loads(answering.encoded({"name": name}).decode())["name"] is not None
    assert b"\n" not in answering.encoded({"name": name})
    made = filter_of("dname", name)
    if made is not None:
        tree = filters.parse(made)
        assert type(tree).__name__ == "Compared"
        assert tree.constant == name.lower() or tree.constant == name  # type: ignore[union-attr]  # as just said
    for by in ("addr", "saddr", "service", "proto", "country", "as", "state", "srcid", "dport"):
        made = filter_of(by, name)
        assert made is None or filters.parse(made) is not None


def test_a_newer_question_takes_the_place_of_the_older() -> None:
    begun, proceed = threading.Event(), threading.Event()

    class Asking:
        client, url, query_params = None, None, None

        async def is_disconnected(self) -> bool:
            return False

    def slow(asked: Asked) -> str:
        begun.set()
        assert proceed.wait(60)
        asked.check()
        return "old"

    async def both() -> tuple[Any, Any]:
        answers = Answering()
        request: Any = Asking()
        older = asyncio.create_task(answers.run(request, {"id": "tab"}, slow))
        await asyncio.to_thread(begun.wait, 60)
        newer = asyncio.create_task(answers.run(request, {"id": "tab"}, lambda _: "new"))
        found = await newer
        proceed.set()
        result = (await asyncio.gather(older, return_exceptions=True))[0]
        answers.close()
        return result, found

    older, newer = asyncio.run(both())
    assert isinstance(older, SupersededError)
    assert newer == "new"


def test_a_client_that_leaves_is_not_worked_for() -> None:
    left, noticed = threading.Event(), threading.Event()

    class Leaving:
        client = None

        async def is_disconnected(self) -> bool:
            return True

    def slow(asked: Asked) -> None:
        while not left.wait(0.01):
            try:
                asked.check()
            except SupersededError:
                noticed.set()
                raise

    async def ask() -> None:
        answers = Answering()
        request: Any = Leaving()
        with pytest.raises(SupersededError):
            await answers.run(request, {}, slow)

    asyncio.run(ask())
    assert noticed.wait(60)
    left.set()


class Staying:
    client = None
    url = SimpleNamespace(path="/api/top")

    def __init__(self, said: dict[str, str] | None = None) -> None:
        self.query_params = QueryParams(said or {"by": "proto"})
        self.left = False

    async def is_disconnected(self) -> bool:
        return self.left


def test_who_ask_the_same_at_once_are_answered_once_and_one_of_them_may_leave() -> None:
    begun, proceed, asked_for = threading.Event(), threading.Event(), list[dict[str, str]]()

    def slow(said: dict[str, str], asked: Asked) -> dict[str, Any]:
        asked_for.append(said)
        begun.set()
        assert proceed.wait(60)
        asked.check()
        return {"rows": len(asked_for)}

    async def ask() -> tuple[Any, list[Any]]:
        answers = Answering()
        people: list[Any] = [Staying() for _ in range(5)]
        waiting = [asyncio.create_task(answers.kept(each, 1, slow)) for each in people]
        await asyncio.to_thread(begun.wait, 60)
        people[0].left = True
        left = (await asyncio.gather(waiting[0], return_exceptions=True))[0]
        proceed.set()
        found = await asyncio.gather(*waiting[1:])
        answers.close()
        return left, [json.loads(bytes(each.body))["rows"] for each in found]

    left, found = asyncio.run(ask())
    assert isinstance(left, SupersededError)
    assert (found, len(asked_for)) == ([1, 1, 1, 1], 1)


def test_an_asker_is_told_in_time_even_where_work_does_not_look_at_the_clock() -> None:
    proceed = threading.Event()

    async def ask() -> None:
        answers = Answering(seconds=0.05)
        request: Any = Staying()
        with pytest.raises(TimeoutExceededError):
            await answers.run(request, {}, lambda _: proceed.wait(60))
        with pytest.raises(TimeoutExceededError):
            await answers.kept(request, 1, lambda *_: {"ended": proceed.wait(60)})
        proceed.set()
        answers.close()

    asyncio.run(ask())


def test_questions_end() -> None:
    asked = Asked(0)
    with pytest.raises(TimeoutExceededError, match="longer than 0 s"):
        asked.check()


def test_a_question_about_too_much_is_refused(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.web.columns.engine.MOST_ROWS", 100)
    answer = page.client.get("/api/top", params={"by": "sttl", "metric": "lost"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "too-large")


def test_the_archive_is_only_read(page: Page) -> None:
    names = {path.name for path in page.data.rglob("*")}
    assert not {name for name in names if name.endswith((".columns", ".aside"))}
    assert "alerts.json" not in names
