"""`argosy rasqlinsert`: records from files, pipes or topics into a table of a database."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source, is_database, to_batch
from clients.writing.keeping import MODES, keeping
from clients.writing.keeping import OPTIONS as KEEPING
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.options import Parsed
    from topics.batch import FlowBatch

USAGE = "argosy rasqlinsert -r FILE... -w DATABASE[/TABLE] [-s FIELD...] [-m KEY...] [OPTIONS] [- FILTER]"
SUMMARY = """\
Puts the records that a filter selects into a table. Those that are there already take their own places again; rows
without a key (-m none) and merged ones (-m KEY) are added to each time.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.INPUT,
    Option(
        "-w",
        "DATABASE[/TABLE]",
        "FILE.duckdb, FILE.sqlite, postgresql://USER@HOST/DATABASE, mysql://... (also MariaDB);\n"
        "the table is flows unless it is named; flows_%Y_%m_%d is one a day",
    ),
    *KEEPING,
    Option("-q", "", "do not say at the end how many records there were"),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, _modes: set[str]) -> int:
    words = parsed.words("-w")
    if len(words) != 1 or not is_database(words[0]):
        raise UsageError("say where to: -w DATABASE[/TABLE], one database")
    kept = keeping(parsed)
    batches = _selected(parsed, Source(parsed))

    from sinks.sql import SqlSink

    sink = SqlSink(words[0], keeping=kept)
    count = 0
    try:
        for batch in batches:
            sink.write(batch)
            count += len(batch)
        sink.close()
    except BaseException:
        sink.abort()
        raise
    if not parsed.count("-q"):
        print(f"argosy rasqlinsert: {count} records", file=sys.stderr)
    return 0 if count else inquiry.NO_MATCH


def _selected(parsed: Parsed, source: Source) -> Iterator[FlowBatch]:
    """Yield the records that the selection and `-N` let through."""
    window, chosen = inquiry.window(parsed), selection(parsed)
    for frame in window.output.cut(window.input.cut(source.frames(chosen))):
        if frame.height:
            yield to_batch(frame)
