"""A browser without a window, and a page on what the pipeline found."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.web import scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ASSETS = Path(scene.__file__).parents[3] / "clients" / "web" / "assets" / "index.html"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A machine may be busy; conditions are waited for, and this bounds how long.
PATIENCE = 30_000


def needed(what: str, found: object) -> None:
    """Skip a test that lacks something; in CI that is a failure."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


# Not for the session: while the driver runs, so does an event loop, and tests after these could begin none.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    needed("browser tests need Chromium: apt-get install -y --no-install-recommends chromium", chromium)
    needed("browser tests need the page: make page", ASSETS.exists())
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("web")
    scene.office(found)
    return found


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with scene.served(folder / "data", folder) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page of its own; it may not fail anywhere, and may ask nobody but its server."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda request: problems.append(request.url) if not request.url.startswith(address) else None)
    yield opened
    context.close()
    assert problems == []
