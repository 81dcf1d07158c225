"""What a server of the page was started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clients.web.serving.guard import Guard

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Setup:
    """What a server was started with."""

    cache: Path
    state: Path
    directories: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    bus: str = ""
    rules: tuple[str, ...] = ()
    guard: Guard = field(default_factory=Guard)
    seconds: float = 10.0
