"""Whatever deploy/ and docs/ name exists: commands, options, variables, topics, metrics, ports and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.deploy.compose_file import services
from tests.deploy.named import (
    ROOT,
    command_lines,
    unknown_files,
    unknown_metrics,
    unknown_ports,
    unknown_topics,
    unknown_variables,
    unknown_words,
)

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = {
    ".yaml",
    ".service",
    ".env",
    ".tpl",
    ".md",
    ".properties",
    ".sysusers",
    ".tmpfiles",
    ".acl",
    ".java",
    ".txt",
}
TOLD = ("decisions.md", "CHANGELOG.md")  # of the past: what it names may be gone
FILES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "deploy").rglob("*")), *sorted((ROOT / "docs").rglob("*"))]
    if path.is_file() and (path.suffix in SUFFIXES or path.name == "Dockerfile") and path.name not in TOLD
]


def identity(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=identity)
def test_a_file_names_only_what_there_is(path: Path) -> None:
    text = path.read_text()
    assert unknown_variables(text) == set()
    assert unknown_topics(text) == set()
    assert unknown_metrics(text) == set()
    assert unknown_ports(text) == set()
    assert unknown_files(text) == set()
    # Commands of pages are those of tests/docs/test_console.py.
    for words in command_lines(text) if path.suffix != ".md" else ():
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
    assert unknown_metrics("argosy_consumer_lag_messages argosy_consumer_lags argosy_delivery_ argosy_sunk_") == {
        "argosy_consumer_lags",
        "argosy_sunk_",
    }
    assert unknown_ports("127.0.0.1:9093, `:9464` HOST:9093 kafka:9094 at 09:00:33 -s stime:30") == {9094}
    assert unknown_files("see deploy/kafka/pom.xml, tests/deploy/nowhere.py and docs/guides/*.md") == {
        "tests/deploy/nowhere.py"
    }
    assert unknown_topics("argosy.flow.v1 argosy.flows.v1") == {"argosy.flow.v1"}
