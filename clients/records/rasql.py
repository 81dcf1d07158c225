"""`argosy rasql`: records back from databases, with all that `argosy ra` does to them."""

from __future__ import annotations

from clients.options import parse_or_help
from clients.reading import inquiry
from clients.reading.sources import is_database
from clients.records import ra
from topics.errors import UsageError

USAGE = "argosy rasql -r DATABASE[/TABLE]... [OPTIONS] [- FILTER]"
SUMMARY = """\
Prints the records of a database that a filter selects, or writes them: -w - pipes them into others. DATABASE is
FILE.duckdb, FILE.sqlite, postgresql://USER@HOST/DATABASE or mysql://... (also MariaDB); TABLE is flows unless named,
and flows_%Y_%m_%d are all tables by day, of which -t takes those that it needs.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = ra.OPTIONS


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    others = [word for word in (*parsed.words("-r"), *parsed.words("-R"), *parsed.words("-S")) if not is_database(word)]
    if others or not parsed.words("-r"):
        error = UsageError(f"'{others[0]}' is no database" if others else "say which database: -r DATABASE[/TABLE]")
        error.exit_status = inquiry.FAILED
        raise error
    return ra.run(arguments)
