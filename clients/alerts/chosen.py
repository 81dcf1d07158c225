"""The rules that a command names: files, directories, and those that come with argosy."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.alerts import Rules

STARTER = "starter"


def starter_directory() -> str:
    """Return where the rules are that come with argosy."""
    return str(resources.files("deploy").joinpath("alerts"))


def rules_of(names: Sequence[str]) -> Rules:
    """Return the rules in files and directories, `starter` being those of argosy; raises SettingsError."""
    from processors.alerts import read_rules

    places = [starter_directory() if name == STARTER and not Path(name).exists() else name for name in names]
    return read_rules(places or [starter_directory()])
