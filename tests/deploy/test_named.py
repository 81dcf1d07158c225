"""Whatever deploy/ and its guides name exists: commands, options, variables, topics, ports and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.deploy.compose_file import services
from tests.deploy.named import ROOT, command_lines, unknown_topics, unknown_variables, unknown_words

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = {".yaml", ".service", ".env", ".tpl", ".md"}
GUIDES = [ROOT / "docs" / "guides" / f"{name}.md" for name in ("containers", "kubernetes", "systemd")]
FILES = [
    path
    for path in [*sorted((ROOT / "deploy").rglob("*")), *GUIDES]
    if path.is_file() and (path.suffix in SUFFIXES or path.name == "Dockerfile")
]


def identity(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=identity)
def test_a_file_names_only_what_there_is(path: Path) -> None:
    text = path.read_text()
    assert unknown_variables(text) == set()
    assert unknown_topics(text) == set()
    for words in command_lines(text):
        assert list(unknown_words(words)) == [], words


def test_commands_of_the_compose_file_are_commands() -> None:
    for service in services().values():
        if service.is_ours and not service.entrypoint:
            assert list(unknown_words(list(service.command))) == []


def test_what_does_not_exist_is_found() -> None:
    assert list(unknown_words(["worker", "--idle", "-h"])) == ["--idle"]
    assert list(unknown_words(["sink", "sqll"])) == ["sink sqll"]
    assert list(unknown_words(["wroker"])) == ["wroker"]
    assert unknown_variables("ARGOSY_WORKER_IDLE=1 ARGOSY_BUS_WAIT=3 ARGOSY_SINK_SQL_") == {"ARGOSY_WORKER_IDLE"}
    assert unknown_topics("argosy.flow.v1 argosy.flows.v1") == {"argosy.flow.v1"}


@pytest.mark.parametrize("path", GUIDES, ids=identity)
def test_files_that_a_guide_names_are_there(path: Path) -> None:
    named = re.findall(r"(?<![\w/])((?:deploy|tests)/[\w./*-]+\w)", path.read_text())
    assert named
    for name in named:
        assert list(ROOT.glob(name)), name
