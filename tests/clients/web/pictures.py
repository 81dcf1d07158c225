"""Draw the pictures of docs/guides/page.md anew: `python -m tests.clients.web.pictures` in the root of a clone.

Needs Chromium and the built page (`make page`).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.clients.web import scene
from tests.clients.web.conftest import FLAGS, PATIENCE
from tests.waiting import wait_until

PLACE = Path(scene.__file__).parents[3] / "docs" / "guides" / "pictures"
DESKTOP, BROAD, TABLET, TELEPHONE = (1280, 800), (1280, 1000), (834, 1000), (390, 780)


@dataclass(frozen=True)
class Picture:
    """One view of the page, and what has to be seen before it is drawn."""

    name: str
    view: str
    shows: str
    size: tuple[int, int] = DESKTOP
    scheme: str = "light"


PICTURES = (
    Picture("overview", "/", "New since"),
    Picture("overview-dark", "/", "New since", scheme="dark"),
    Picture("flows", "/flows?q=tcp+and+dst+port+443&sort=-bytes", "10.20."),
    Picture("flow", f"/flows?q=host+{scene.TRAP}+and+srcid+edge", scene.TRAP, BROAD),
    Picture("host", f"/host/{scene.CLIENT}", "Where it was attached", TABLET),
    Picture("map", "/map", "Hosts of", TABLET),
    Picture("graph", "/graph?nodes=50", "Largest links", TABLET, "dark"),
    Picture("dns", "/dns", "Transactions, newest first", TELEPHONE, "dark"),
    Picture("alerts", "/alerts", "tried 22 ports", TELEPHONE),
)


def draw(page: Page, picture: Picture) -> None:
    """Open a view, wait until it is there, and keep what is seen."""
    page.set_viewport_size({"width": picture.size[0], "height": picture.size[1]})
    page.emulate_media(color_scheme="dark" if picture.scheme == "dark" else "light", reduced_motion="reduce")
    page.goto(picture.view)
    page.locator("main").get_by_text(picture.shows).first.wait_for()
    if picture.name == "flow":
        page.locator(".rows .row:not(.awaited)").get_by_role("link").first.click()
        page.locator("h1", has_text="port 443").wait_for()
    expect(page.locator(".spinner")).to_have_count(0, timeout=PATIENCE)
    page.screenshot(path=PLACE / f"page-{picture.name}.png")


def wait_until_prepared(page: Page) -> None:
    """Wait until all flows are in the figures."""
    wait_until(lambda: page.request.get("/api/meta").json()["preparing"]["fraction"] == 1, "columns of all files")


def main() -> int:
    """Audit the sample, serve it and draw all pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("pictures need Chromium: apt-get install -y --no-install-recommends chromium\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, chdir(folder), sync_playwright() as driver:
        here = Path()
        with scene.served(scene.office(here), here) as address:
            browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
            context = browser.new_context(base_url=address)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            wait_until_prepared(page)
            for picture in PICTURES:
                draw(page, picture)
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
