"""The hours of UTC, and the records of a small office."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.inventories.asked import MAIL, WEB
from tests.clients.inventories.flows import file, flow

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def in_utc(utc: None) -> None:
    """Times are printed as of UTC."""


@pytest.fixture
def office(tmp_path: Path) -> str:
    """Two clients of a web server, one more by IPv6, and one that nobody answers."""
    return file(
        tmp_path / "office.parquet",
        flow("10.0.0.1", WEB),
        flow("10.0.0.2", WEB, at=60),
        flow("10.0.0.2", WEB, at=70, src_port=50_001),
        flow("10.0.0.1", MAIL, 25, at=5),
        flow("2001:db8::1", "2001:db8::80", at=9),
        flow("10.0.0.3", "10.0.0.99", 22, at=10, answers=False),
        flow("10.0.0.3", "10.0.0.100", 22, at=11, answers=False),
    )
