"""Other sites change nothing, and show nothing of the page as theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.clients.web.server.conftest import OURS

if TYPE_CHECKING:
    from tests.clients.web.server.conftest import Page


def test_other_sites_change_nothing(page: Page) -> None:
    said: dict[str, Any] = {"rule": "x", "seconds": 1}
    post = page.client.post
    assert post("/api/silences", json=said).status_code == 403
    assert post("/api/silences", json=said, headers={**OURS, "origin": "http://evil.example"}).status_code == 403
    assert post("/api/silences", json=said, headers={**OURS, "sec-fetch-site": "cross-site"}).status_code == 403
    assert post("/api/silences", json=said, headers={**OURS, "origin": "http://localhost"}).status_code == 201


def test_every_answer_is_safe_to_show(page: Page) -> None:
    for path in ("/", "/flows", "/api/meta", "/api/nothing", "/api/overview?q=wrong", "/assets/none.js"):
        headers = page.client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        if path.startswith("/api/"):
            assert headers["content-type"] == "application/json"
