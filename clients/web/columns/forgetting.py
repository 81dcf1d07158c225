"""What nobody asks for any more leaves the cache; files of an archive that were replaced are among it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UNUSED = 30 * 86_400  # seconds since columns were last opened
UNFINISHED = 86_400  # seconds since somebody wrote columns, and never ended
BOUNDS = {"*.parquet": UNUSED, "*.columns": UNUSED, "*.sums": UNUSED, "*.columns.*": UNFINISHED, "*.sums.*": UNFINISHED}


def forget_unused(cache: Path, now: float) -> list[Path]:
    """Remove columns that no server has opened for long, and those left half written; return them.

    A server that has such columns mapped keeps them until it ends.
    """
    removed = []
    for pattern, seconds in BOUNDS.items():
        for each in cache.glob(pattern):
            with suppress(OSError):  # another server was faster, or it is another user's
                if each.stat().st_mtime < now - seconds:
                    each.unlink()
                    removed.append(each)
    return removed
