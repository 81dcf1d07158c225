"""`argosy ratimerange`: from when to when the selected records are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source

if TYPE_CHECKING:
    from clients.options import Parsed

USAGE = "argosy ratimerange -r FILE... | -R DIR... [OPTIONS] [- FILTER]"
SUMMARY = """Prints when the first of the records that a filter selects began and when the last ended.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.INPUT,
    Option("-u", "", "times as seconds since 1970"),
    Option("-p", "DIGITS", "digits after the decimal point, 0 to 9 (6)"),
    Option("-s", "FORMAT", "print times by a strftime format: '%Y-%m-%d %T.%f'"),
    Option("-M", "MODE...", "TZ=ZONE prints times of that zone"),
)
COLUMNS = {"src_first", "dst_first", "src_last", "dst_last"}


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    import polars as pl

    from topics.fields import field

    first, last = field("stime"), field("ltime")
    starts, ends = [], []
    for frame in inquiry.window(parsed).input.cut(Source(parsed).frames(selection(parsed), COLUMNS)):
        low, high = frame.select(first.value().min().alias("low"), last.value().max().alias("high")).row(0)
        starts += [low] if low is not None else []
        ends += [high] if high is not None else []
    if not starts:
        print("no record was selected", file=sys.stderr)
        return inquiry.NO_MATCH
    if parsed.word("-s"):
        first, last = (known.with_pattern(parsed.word("-s") or "") for known in (first, last))
    times = pl.DataFrame(
        {"src_first": [min(starts)], "dst_first": [None], "src_last": [max(ends)], "dst_last": [None]},
        schema=dict.fromkeys(("src_first", "dst_first", "src_last", "dst_last"), pl.Int64),
    ).cast(pl.Datetime("ns", "UTC"))
    style = inquiry.style(parsed)
    print(" - ".join(times.select(first.text(style).alias("low"), last.text(style).alias("high")).row(0)))
    return 0
