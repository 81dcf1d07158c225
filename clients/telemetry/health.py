"""The answers of /healthz and /readyz: whether a program makes progress, and whether it can serve."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topics.metrics.vitals import Check

OK, FAILING = 200, 503


def answer(program: str, version: str, checks: list[Check]) -> tuple[int, bytes]:
    """Return the status code and the body, JSON, for what was checked."""
    ok = all(check.ok for check in checks)
    body = {
        "status": "ok" if ok else "failing",
        "program": program,
        "version": version,
        "checks": [check._asdict() for check in checks],
    }
    return OK if ok else FAILING, json.dumps(body, ensure_ascii=False).encode() + b"\n"
