"""What `argosy sink sql` and `argosy rasqlinsert` keep in a database: columns by `-s`, keys by `-m`, how by `-M`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import Option
from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from clients.options import Parsed
    from sinks.sql import Keeping

MODES = ("cache", "drop", "partitions")
RECORD, NONE = "record", "none"
DAY = 86_400
OPTIONS = (
    Option(
        "-s",
        "FIELD...",
        "columns: fields of ra -s; 'record' among them keeps the whole record too, which\n"
        "rasql gives back (default: all that a record has, one column each)",
    ),
    Option(
        "-m",
        "KEY...",
        "one row for each value of these fields, in which their records are merged by the\n"
        "rules of racluster -m; none: rows without a key (default: a row a record)",
    ),
    Option(
        "-M",
        "MODE...",
        "drop what the table held first; partitions: tables by time are partitions of one\n"
        "(PostgreSQL); cache is what -m does anyway",
    ),
    Option("--keep", "DAYS", "drop what is older; of tables by time the whole table (default: keep everything)"),
)


def keeping(parsed: Parsed) -> Keeping:
    """Return what the options ask for; raises UsageError."""
    from sinks.sql import Keeping
    from sinks.sql.layout import chosen, repeating, whole

    keys = [part for word in parsed.words("-m") for part in word.replace(",", " ").split()]
    words = [part for word in parsed.words("-s") for part in word.replace(",", " ").split()]
    modes = {word for word in parsed.words("-M") if not word.startswith("TZ=")}
    unknown = sorted(modes - set(MODES))
    if unknown:
        raise UsageError(f"unknown mode '{unknown[0]}'{suggestion(unknown[0], MODES) or ': ' + ', '.join(MODES)}")
    merges = bool(keys) and keys != [NONE]
    if "cache" in modes and not merges:
        raise UsageError("mode cache merges the records of a key: name its fields with -m")
    if merges and NONE in keys:
        raise UsageError("option -m: none stands alone")
    if words or merges:
        names = _fields([word for word in words if word.lstrip("+-") != RECORD])
        layout = chosen(names, keys, record=merges or RECORD in words or f"+{RECORD}" in words)
    else:
        layout = repeating() if keys else whole()
    days = parsed.number("--keep", 0, minimum=1)
    merging = None
    if merges:
        from processors.merge.row_keys import MergedRows

        merging = MergedRows(keys)
    return Keeping(layout, merging, "partitions" in modes, days * DAY if days else None, "drop" in modes)


def _fields(words: list[str]) -> list[str]:
    from clients.listing.columns import columns

    return [field.name for field in columns(words)]
