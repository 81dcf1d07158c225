"""The command that says on a terminal what a page shows."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from clients.web.asking.question import SECOND
from clients.web.flows.grouped import HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.web.asking.question import Question
    from clients.web.columns.archive import Archive

MODES = "xincs"  # what may stand before a range: topics/timerange


def source_words(archive: Archive) -> list[str]:
    """Return what names the archive to commands, databases without their passwords."""
    from clients.reading.sources import is_database

    # Whole paths: a line that was copied is typed in another directory than the server's.
    files = [_shown(name) if is_database(name) else str(Path(name).absolute()) for name in archive.files]
    directories = [str(Path(name).absolute()) for name in archive.directories]
    return [*(["-R", *directories] if directories else []), *(["-r", *files] if files else [])]


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
        words += ["-M", "rmon"] if HOST in keys else []
        words += ["-m", *_spelled(keys)]
    elif program == ["rasort"]:
        words += ["-m", sort if sort.startswith("-") else f"+{sort.lstrip('+')}"]
    words += _times(question, said, archive)
    words += ["-s", *_spelled(fields)]
    line = " ".join(shlex.quote(word) for word in (*_zone(said), *words))
    return f"{line} - {shlex.quote(question.filter)}" if question.filter else line


def _spelled(names: Sequence[str]) -> list[str]:
    """Return names of fields as ra knows them: pages have some more."""
    spelled = {HOST: ("saddr",), "service": ("proto", "dport")}
    return list(dict.fromkeys(word for name in names for word in spelled.get(name, (name,))))


def _zone(said: dict[str, str]) -> list[str]:
    """Return the setting that has a command read a text of times as the page does, whatever local time is."""
    text = said.get("t", "").strip()
    return [f"TZ={said.get('tz', 'UTC')}"] if text and not _is_relative(text) else []


def _is_relative(text: str) -> bool:
    return text.lstrip(MODES).startswith("-")


def _times(question: Question, said: dict[str, str], archive: Archive) -> list[str]:
    text = said.get("t", "").strip()
    if text and not (_is_relative(text) and said.get("anchor") == "end"):
        return ["-t", text]
    span = archive.span()
    if text:
        return ["-t", f"{text[: -len(text.lstrip(MODES))]}{_between(question)}"]
    if span is None or (question.first <= span[0] and question.end >= span[1]):
        return []
    return ["-t", _between(question)]


def _between(question: Question) -> str:
    """Return a range of instants, both part of it."""
    first, end = (f"{time // SECOND:08}.{time % SECOND:09}".rstrip("0").rstrip(".") for time in _ends(question))
    return f"{first}-{end}" if first != end else f"{first}+0s"


def _ends(question: Question) -> tuple[int, int]:
    times = question.times  # of what is not in a range, or spans it, the question is wider
    first, end = (
        (times.first, times.end) if times is not None and times.moment is None else (question.first, question.end)
    )
    return max(first, 0), max(end, first, 0)
