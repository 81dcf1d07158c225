"""`argosy ra`: filters, prints and converts records. Options and output are those of Argus's ra."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients import reading
from clients.options import Option, help_text, parse
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.listing.printer import Totals
    from clients.listing.window import Window
    from clients.options import Parsed

USAGE = "argosy ra -r FILE... | -R DIR... [OPTIONS] [- FILTER]"
SUMMARY = """Prints the records that a filter selects, or writes them in another format.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *reading.OPTIONS,
    Option("-M", "MODE...", "TZ=ZONE prints times of that zone; man, noman are accepted"),
    Option("-m", "KEY...", "accepted, as by Argus's ra, where it has no effect either: see racluster"),
)
MODES = ("man", "noman")


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    parsed = parse(OPTIONS, arguments)
    if parsed.count("-h"):
        print(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    try:
        return _run(parsed)
    except ArgosyError as error:
        error.exit_status = reading.FAILED  # 1 says that nothing matched
        raise


def _run(parsed: Parsed) -> int:
    reading.modes(parsed, MODES)
    if parsed.count("-b"):
        print(reading.tree(parsed))
        return 0
    wanted = reading.condition(parsed)
    names = reading.paths(parsed)
    totals = reading.totals(parsed)
    selected = _write(parsed, names, wanted, totals) if parsed.word("-w") else _print(parsed, names, wanted, totals)
    if totals is not None:
        print(totals.text(), file=sys.stderr if parsed.word("-w") == reading.DASH else sys.stdout)
    return 0 if selected else reading.NO_MATCH


def _selected(
    names: list[str], wanted: pl.Expr | None, totals: Totals | None, columns: set[str] | None, window: Window
) -> Iterator[pl.DataFrame]:
    """Yield the records that the filter and a window let through."""
    answer = reading.constant(wanted)
    if totals is None:
        frames = iter(()) if answer is False else reading.frames(names, None if answer else wanted, columns)
        yield from window.cut(frames)
        return
    for frame in window.cut(reading.frames(names, wanted, columns, totals.note)):
        totals.add(frame)
        yield frame


def _print(parsed: Parsed, names: list[str], wanted: pl.Expr | None, totals: Totals | None) -> int:
    printer = reading.printer(parsed)
    window = reading.window(parsed)
    columns = printer.columns | (totals.columns if totals else set())
    selected = 0
    for frame in window.output.cut(_selected(names, wanted, totals, columns, window.input)):
        selected += frame.height
        if not parsed.count("-q"):
            printer.print(frame)
    return selected


def _write(parsed: Parsed, names: list[str], wanted: pl.Expr | None, totals: Totals | None) -> int:
    from sinks.formats import open_writer

    selected = 0
    with open_writer(parsed.word("-w") or "") as writer:
        for frame in _selected(names, wanted, totals, None, reading.window(parsed)):
            selected += frame.height
            writer.write(reading.to_batch(frame))
    return selected
