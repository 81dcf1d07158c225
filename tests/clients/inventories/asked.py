"""What an inventory says of some records, as text and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clients.main import main

Capture = pytest.CaptureFixture[bytes]
WEB, MAIL = "192.0.2.10", "192.0.2.25"


def rows(capture: Capture) -> list[str]:
    return [" ".join(line.split()) for line in capture.readouterr().out.decode().splitlines()]


def found(capture: Capture, *command: str, status: int = 0) -> list[dict[str, Any]]:
    """What a command says as JSON."""
    capture.readouterr()
    assert main([command[0], "-M", "json", *command[1:]]) == status
    return [json.loads(line) for line in capture.readouterr().out.decode().splitlines()]
