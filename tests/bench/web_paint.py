"""When a browser has painted the first page: `python -m tests.bench.web_paint URL` of a page that is served."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass

from playwright.sync_api import sync_playwright

from tests.clients.web.conftest import FLAGS

OPENINGS = 7  # of which the one in the middle counts; the browser is a new one for each
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
PATIENCE = 30_000


@dataclass(frozen=True, slots=True)
class Paint:
    """Milliseconds from when a browser was sent to the page: its first paint, and its figures drawn."""

    first: float
    whole: float


def paint(url: str) -> Paint:
    """Return what a browser with nothing in its cache says, the middle of OPENINGS each."""
    firsts, wholes = [], []
    with sync_playwright() as driver:
        for _ in range(OPENINGS):
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
            page = browser.new_page()
            page.goto(url)
            page.get_by_role("heading", name="Autonomous systems").wait_for(timeout=PATIENCE)
            wholes.append(float(page.evaluate("performance.now()")))
            firsts.append(float(page.evaluate(PAINTED)))
            browser.close()
    return Paint(sorted(firsts)[OPENINGS // 2], sorted(wholes)[OPENINGS // 2])


if __name__ == "__main__":
    found = paint(sys.argv[1])
    print(f"first paint {found.first:.0f} ms, figures drawn {found.whole:.0f} ms")
