"""`argosy explain`: all that is known of one flow, as the page shows it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from clients.options import Option, parse_or_help
from topics.errors import InputError, UsageError

if TYPE_CHECKING:
    from clients.explaining.finding import Found
    from clients.options import Parsed
    from clients.web.columns.archive import Archive

USAGE = "argosy explain FLOW_ID -R DIR... | -r FILE... [OPTIONS]"
SUMMARY = """\
Tells all that is known of a flow: its records, both ends with their names and owners, who else saw it and what they
saw differently, copies, the DNS that led to it, alerts, payload, and where it is kept. `argosy ra -s +hash` has ids.
Exit status: 0 when there is such a flow, 1 when there is none, 2 after an error."""
OPTIONS = (
    Option("-r", "FILE...", "files of flows, or databases"),
    Option("-R", "DIR...", "archives: all files of flows under directories, with what lies beside them"),
    Option("-M", "MODE", "json: one object"),
    Option("-h --help", "", "this text"),
)
NO_MATCH = 1
HOUR = 3600 * 1_000_000_000
_ID = re.compile(r"[0-9a-f]{32}")


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    flow_id = parsed.expression.strip().lower().replace("-", "")
    if not _ID.fullmatch(flow_id):
        raise UsageError(f"say which flow: its id, 32 hexadecimal digits, not '{parsed.expression[:64]}'")
    if parsed.words("-M") not in ([], ["json"]):
        raise UsageError(f"option -M takes json, not '{parsed.word('-M')}'")
    told = _told(parsed, bytes.fromhex(flow_id))
    if told is None:
        return NO_MATCH
    if parsed.words("-M"):
        print(json.dumps(told, ensure_ascii=False))
    else:
        from clients.explaining.text import lines

        print("\n".join(lines(told)))
    return 0


def _told(parsed: Parsed, flow_id: bytes) -> dict[str, Any] | None:
    import tempfile
    from pathlib import Path

    from clients.explaining.beside import Beside
    from clients.explaining.explained import explained
    from clients.web.asking.command_line import source_words
    from clients.web.columns.archive import Archive

    if not parsed.words("-R") and not parsed.words("-r"):
        raise UsageError("say what to read: -r FILE or -R DIR")
    with tempfile.TemporaryDirectory(prefix="argosy-explain-") as directory:
        archive = Archive(parsed.words("-R"), parsed.words("-r"), Path(directory))
        archive.refresh()
        archive.complain()
        found = _found(archive, flow_id)
        if found is None:
            return None
        return explained(found, Beside(archive.directories), " ".join(source_words(archive)))


def _found(archive: Archive, flow_id: bytes) -> Found | None:
    """Return a flow; hours of databases are read, the newest first, until it is there, and those around it."""
    from clients.explaining.finding import span_of

    found = _among(archive, flow_id)
    while found is None and _read_next(archive):
        found = _among(archive, flow_id)
    while found is not None:
        first, last = span_of(found.records)
        archive.awaited.ask(first - HOUR, last + HOUR)
        near = any(hour.first <= last + HOUR and hour.end >= first - HOUR for hour in archive.waiting)
        if not near or not _read_next(archive):
            break
        found = _among(archive, flow_id)
    return found


def _among(archive: Archive, flow_id: bytes) -> Found | None:
    from clients.explaining.finding import File, find

    return find([File(each.path, each.first, each.last) for each in archive.segments], flow_id)


def _read_next(archive: Archive) -> bool:
    """Read an hour of a database; tell whether there was one. Raises InputError."""
    said = archive.awaited.read_next()
    if said:
        raise InputError(said)
    archive.refresh()
    return said is not None
