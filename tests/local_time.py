"""Local time of the tests' choice, for what prints times and for what it starts."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


@contextmanager
def local_time(monkeypatch: pytest.MonkeyPatch, zone: str) -> Iterator[None]:
    """Let local time be that of a zone."""
    with monkeypatch.context() as patch:
        patch.setitem(os.environ, "TZ", zone)
        time.tzset()
        yield
    time.tzset()
