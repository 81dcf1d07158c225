"""`argosy racompare`: two times or archives held against each other: new, gone, grown, shrunk, and is it chance."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.inventory import beside, table
from clients.options import Option
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clients.options import Parsed
    from processors.inventories.bins import Binned
    from processors.inventories.comparison import Subjects
    from topics.fields import Field

USAGE = "argosy racompare -r FILE... | -R DIR... [-t RANGE] --before RANGE | --baseline FILE... [-m WHAT] [- FILTER]"
SUMMARY = """Says what is new, gone, grown or shrunk between two times or archives: hosts, services, names, countries
or any fields; by the second, so that the times may be of different length, and only what is hardly chance.
Exit status: 0 when something changed, 1 when nothing did, 2 after an error."""
OPTIONS = (
    *table.OPTIONS,
    *beside.OPTIONS,
    Option(
        "-m",
        "WHAT...",
        "hosts (default), services, names or countries (by labels: argosy ralabel); or any fields: saddr dport",
    ),
    Option("--metric", "NAME", "compare bytes (default), pkts or records"),
    Option("--level", "PART", "so much of what is told may be chance, 0 to 1 (0.01)"),
    Option("-M", "MODE...", "all: what may be chance, too; json, xml, TZ=ZONE"),
)
KNOWN = {
    "host": table.address("host", "Host"),
    "protocol": table.protocol(),
    "port": table.port("port", "Port", "port"),
    "saddr": table.address("saddr", "SrcAddr"),
    "daddr": table.address("daddr", "DstAddr"),
    "sport": table.count("sport", "Sport"),
    "dport": table.count("dport", "Dport"),
    "name": table.text("name", "Name"),
    "country": table.word("country", "Country"),
}


def run(arguments: list[str]) -> int:
    """Run the command; 0 when something changed, 1 when nothing did."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, ("all",))


def _run(parsed: Parsed, modes: set[str]) -> int:
    import polars as pl

    from processors.inventories.comparison import METRICS, binned, columns, compared

    metric, level = parsed.word("--metric") or "bytes", _level(parsed.word("--level"))
    if metric not in METRICS:
        raise UsageError(f"option --metric takes {', '.join(METRICS)}, not '{metric}'")
    if not beside.is_asked(parsed):
        raise UsageError("say what to compare with: --before RANGE or --baseline FILE")
    subjects = _subjects(parsed.words("-m"))
    wanted = columns(subjects, metric)

    def found(pieces: Iterator[pl.LazyFrame]) -> Binned:
        return binned(pieces, subjects, metric)

    now, before = table.gathered(parsed, wanted, found), beside.baseline(parsed, wanted, found)
    _complain(now.bins, before.bins)
    rows = compared(now, before, subjects.keys, level)
    rows = rows.with_columns(pl.when("significant").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("sure"))
    told = rows if "all" in modes else rows.filter("significant")
    fields = _fields(subjects.keys)
    nothing = f"nothing changed beyond chance: {rows.height:,} compared" if rows.height else "nothing to compare"
    return table.print_table(parsed, told, fields, [field.name for field in fields], nothing)


def _subjects(words: Sequence[str]) -> Subjects:
    from processors.inventories.comparison import SUBJECTS, of_fields

    names = [part for word in words or ["hosts"] for part in word.split(",")]
    if len(names) == 1 and names[0] in SUBJECTS:
        return SUBJECTS[names[0]]()
    return of_fields(names)


def _level(text: str | None) -> float:
    try:
        level = float(text or "0.01")
    except ValueError:
        level = -1.0
    if not 0 < level <= 1:
        raise UsageError(f"option --level takes a number above 0 and at most 1, not '{text}'")
    return level


def _fields(keys: Sequence[str]) -> list[Field]:
    named = [KNOWN.get(key) or table.text(key, key.capitalize()) for key in keys]
    figures = [table.count("before", "Before"), table.count("now", "Now"), table.fraction("factor", "Factor")]
    return [table.word("change", "Change"), *named, *figures, table.fraction("p", "P"), table.word("sure", "Sure")]


def _complain(now: int, before: int) -> None:
    """Say where one side is empty: everything is new then, or gone."""
    for bins, name in ((now, "-r"), (before, "the baseline")):
        if not bins:
            print(f"argosy racompare: {name} has no records that were selected", file=sys.stderr)
