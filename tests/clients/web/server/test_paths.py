"""No path leads out of the page, and the archive is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.web.serving import front

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.web.server.conftest import Page


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
    monkeypatch.setattr(front, "ASSETS", tmp_path / "built")
    answer = page.client.get(path)
    assert "SECRET" not in answer.text
    assert "root:" not in answer.text
    assert answer.status_code == 404 or answer.text == "the page"


def test_the_archive_is_only_read(page: Page) -> None:
    names = {path.name for path in page.data.rglob("*")}
    assert not {name for name in names if name.endswith((".columns", ".aside"))}
    assert "alerts.json" not in names
