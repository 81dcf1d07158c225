from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clients.web.columns.forgetting import UNFINISHED, UNUSED, forget_unused

if TYPE_CHECKING:
    from pathlib import Path

NOW = 2_000_000_000.0


def aged(path: Path, seconds: float) -> Path:
    path.write_bytes(b"columns")
    os.utime(path, (NOW - seconds, NOW - seconds))
    return path


def test_columns_that_nobody_opened_for_long_are_removed(tmp_path: Path) -> None:
    used = aged(tmp_path / "a.columns", UNUSED - 60)
    unused = aged(tmp_path / "b.columns", UNUSED + 60)
    assert forget_unused(tmp_path, NOW) == [unused]
    assert used.exists()
    assert not unused.exists()


def test_columns_that_were_never_finished_are_removed_and_those_being_written_stay(tmp_path: Path) -> None:
    left = aged(tmp_path / "a.columns.17.4711", UNFINISHED + 60)
    written = aged(tmp_path / "b.columns.18.4712", 5)
    assert forget_unused(tmp_path, NOW) == [left]
    assert written.exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    aged(tmp_path / "notes.txt", 10 * UNUSED)
    assert forget_unused(tmp_path, NOW) == []
