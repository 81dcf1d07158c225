"""One who asks for much, or goes away, keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import QueryParams

from clients.web.asking.asked import Asked
from clients.web.errors import SupersededError, TimeoutExceededError
from clients.web.serving.answering import Answering

if TYPE_CHECKING:
    from tests.clients.web.server.conftest import Page


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
