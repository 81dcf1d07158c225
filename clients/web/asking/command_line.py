"""The command that says on a terminal what a page shows."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.web.asking.question import Question
    from clients.web.columns.archive import Archive


def source_words(archive: Archive) -> list[str]:
    """Return what names the archive to commands, databases without their passwords."""
    from clients.sources import is_database

    files = [_shown(name) if is_database(name) else name for name in archive.files]
    return [*(["-R", *archive.directories] if archive.directories else []), *(["-r", *files] if files else [])]


def _shown(name: str) -> str:
    from sinks.sql.address import display_name, parse_table

    return display_name(parse_table(name)[0])


def command(
    archive: Archive,
    question: Question,
    said: dict[str, str],
    fields: Sequence[str],
    sort: str,
    keys: Sequence[str] = (),
) -> str:
    """Return a command line: ra, rasort for another order, racluster for groups."""
    program = ["racluster"] if keys else ["ra"] if sort.lstrip("+-") == "stime" else ["rasort"]
    words = ["argosy", *program, *source_words(archive)]
    if keys:
        words += ["-m", *keys]
    elif program == ["rasort"]:
        words += ["-m", sort if sort.startswith("-") else f"+{sort.lstrip('+')}"]
    words += _times(question, said, archive)
    words += ["-s", *fields]
    line = " ".join(shlex.quote(word) for word in words)
    return f"{line} - {shlex.quote(question.filter)}" if question.filter else line


def _times(question: Question, said: dict[str, str], archive: Archive) -> list[str]:
    text = said.get("t", "").strip()
    relative = text.lstrip("xincs").startswith("-")
    if text and not (relative and said.get("anchor") == "end"):
        return ["-t", text]
    span = archive.span()
    if not text and (span is None or (question.first <= span[0] and question.end >= span[1])):
        return []
    seconds = 1_000_000_000
    first = question.first // seconds
    return ["-t", f"{first}+{max(-(-(question.end + 1) // seconds) - first, 1)}s"]
