"""Clients of Argus on `argosy radium`, and `probe --argus` on both, for a moment; for minutes: tests/argus_load.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.argus_load import run
from tests.argus_records import argus_tools

if TYPE_CHECKING:
    from pathlib import Path


def test_every_client_gets_every_record(tmp_path: Path) -> None:
    argus_tools()
    result = run(tmp_path, seconds=1.0, rate=2000)
    assert result.records >= 1000
    assert result.packets > 0
    assert set(result.had.values()) == {result.packets}, result
    assert len(result.had) == 5
    assert set(result.status.values()) == {0}, result
    assert "6 clients served, 0 refused" in result.said
    assert "dropped" not in result.said
