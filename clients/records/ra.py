"""`argosy ra`: filters, prints and converts records. Options and output are those of Argus's ra."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.options import Option, parse_or_help
from clients.reading import inquiry
from clients.reading.selection import Selection, selection
from clients.reading.sources import Source
from clients.writing.outputs import Outputs
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import polars as pl

    from clients.listing.printer import Totals
    from clients.listing.window import Window
    from clients.options import Parsed

USAGE = "argosy ra -r FILE... | -R DIR... | -S kafka://HOST/TOPIC [OPTIONS] [- FILTER]"
SUMMARY = """Prints the records that a filter selects, or writes them in another format.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option(
        "-M",
        "MODE...",
        "TZ=ZONE times of that zone; json or xml; null, empty or omit: how JSON shows blanks;\n"
        "label=PATTERN only records with such a label; printer=ascii|obfuscate|hex|encode32|encode64",
    ),
    Option("-m", "KEY...", "accepted, as by Argus's ra, where it has no effect either: see racluster"),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    try:
        return _run(parsed)
    except ArgosyError as error:
        error.exit_status = inquiry.FAILED  # 1 says that nothing matched
        raise


def _run(parsed: Parsed) -> int:
    inquiry.modes(parsed, ())
    if parsed.count("-b"):
        print(inquiry.tree(parsed))
        return 0
    chosen, source = selection(parsed), Source(parsed)
    totals, outputs = inquiry.totals(parsed), Outputs(parsed)
    with outputs:
        put = _write if outputs.any else _print
        selected = put(parsed, outputs, _Wanted(source, chosen, totals, outputs))
    if totals is not None:
        print(totals.text(), file=sys.stderr if outputs.pipes else sys.stdout)
    return 0 if selected else inquiry.NO_MATCH


class _Wanted:
    """The records that the selection and a window let through, counted and the others kept on the way."""

    def __init__(self, source: Source, chosen: Selection, totals: Totals | None, outputs: Outputs) -> None:
        self._source, self._chosen, self._totals, self._outputs = source, chosen, totals, outputs

    def frames_ahead(self, columns: set[str], window: Window) -> Iterator[pl.DataFrame]:
        """Yield them, of large files the next ones read by another thread."""
        frames = self.frames(columns, window)
        if not self._source.is_large:
            return frames
        from clients.reading.ahead import ahead

        return ahead(frames)

    def frames(self, columns: set[str] | None, window: Window) -> Generator[pl.DataFrame]:
        """Yield them, with these columns or all."""
        rejected = self._outputs.reject if self._outputs.wants_rejects else None
        totals, chosen = self._totals, self._chosen
        if totals is None and rejected is None:
            answer = chosen.constant
            if answer is not False:
                yield from window.cut(self._source.frames(Selection() if answer else chosen, columns))
            return
        wanted = columns if columns is None or totals is None else columns | totals.columns
        for frame in window.cut(
            self._source.frames(chosen, wanted, totals.note if totals else lambda _: None, rejected)
        ):
            if totals is not None:
                totals.add(frame)
            yield frame

    def count(self, window: Window) -> int:
        """Return how many there are; none of them is put together where nothing else is done with them."""
        counted = self._totals is not None or self._outputs.wants_rejects
        if counted or not window.unlimited or self._chosen.constant is not None:
            return sum(frame.height for frame in window.output.cut(self.frames(inquiry.JUST_COUNTED, window.input)))
        return self._source.count(self._chosen)


def _print(parsed: Parsed, _: Outputs, wanted: _Wanted) -> int:
    window = inquiry.window(parsed)
    if parsed.count("-q"):
        return wanted.count(window)
    printer, selected = inquiry.printer(parsed), 0
    for frame in window.output.cut(wanted.frames_ahead(printer.columns, window.input)):
        selected += frame.height
        printer.print(frame)
    printer.close()
    return selected


def _write(parsed: Parsed, outputs: Outputs, wanted: _Wanted) -> int:
    selected, window = 0, inquiry.window(parsed)
    for frame in window.output.cut(wanted.frames(None, window.input)):
        selected += frame.height
        outputs.write_frame(frame)
    return selected
