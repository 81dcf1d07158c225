"""`argosy rasort`: records in the order of any fields. Options and order are those of Argus's rasort."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from clients.writing.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.listing.printer import Totals
    from clients.options import Parsed

USAGE = "argosy rasort -r FILE... | -R DIR... [-m FIELD...] [OPTIONS] [- FILTER]"
SUMMARY = """Prints or writes the records that a filter selects, sorted, by start time unless -m says otherwise.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option(
        "-m",
        "FIELD...",
        "sort by these fields in turn: counters and rates begin with the largest, times, durations,\n"
        "addresses and ports with the smallest; +FIELD smallest first, -FIELD largest first; saddr/24",
    ),
    Option("-M", "MODE...", "replace: each file by its sorted self; TZ=ZONE, json, xml, label=PATTERN, printer=KIND"),
    Option(
        "--records",
        "COUNT",
        "records kept in memory at a time (2097152, of Parquet 16777216 when all are written); the\n"
        "others wait in temporary files",
    ),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, ("replace",))


def _run(parsed: Parsed, modes: set[str]) -> int:
    from clients.writing.replacing import each_file

    if "replace" in modes:
        return each_file(parsed, _sort)
    return _sort(parsed, Source(parsed), Outputs(parsed))


def _sort(parsed: Parsed, source: Source, outputs: Outputs) -> int:
    from processors.sorting import AT_ONCE, Sorter, sort_keys

    keys = sort_keys(parsed.words("-m"))
    sorter = Sorter(keys, parsed.number("--records", AT_ONCE, minimum=1))
    totals = inquiry.totals(parsed)
    with outputs:
        if totals is None and not outputs.wants_rejects:
            from clients.records.sorting import sorted_columns

            count = sorted_columns(parsed, source, outputs, keys)
            if count is not None:
                return 0 if count else inquiry.NO_MATCH
        columns = (
            None if outputs.any else {*inquiry.shown(parsed), *(n for key in keys for n in key.value.meta.root_names())}
        )
        frames = sorter.sorted(_selected(parsed, source, columns, totals, outputs))
        selected = inquiry.put(parsed, outputs, frames)
    if totals is not None:
        print(totals.text(), file=sys.stderr if outputs.pipes else sys.stdout)
    return 0 if selected else inquiry.NO_MATCH


def _selected(
    parsed: Parsed, source: Source, columns: set[str] | None, totals: Totals | None, outputs: Outputs
) -> Iterator[pl.DataFrame]:
    rejected = outputs.reject if outputs.wants_rejects else None
    read = totals.note if totals else lambda _: None
    wanted = columns if columns is None or totals is None else columns | totals.columns
    for frame in inquiry.window(parsed).input.cut(source.frames(selection(parsed), wanted, read, rejected)):
        if totals is not None:
            totals.add(frame)
        yield frame
