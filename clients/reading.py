"""Options that all clients which read records share, and the records they ask for, frame by frame."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from clients.listing.window import Window
from clients.options import Option
from topics.errors import InputError, UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from clients.listing.printer import Printer, Totals
    from clients.options import Parsed
    from topics.batch import FlowBatch
    from topics.fields import Style

OPTIONS = (
    Option("-r", "FILE...", "read records from files: .parquet, .arrow, .avro; - is a pipe"),
    Option("-R", "DIR...", "read all such files under directories, in the order of their names"),
    Option(
        "-w", "FILE", "write records instead of printing them: .arrow, .parquet, .avro,\n.csv, .jsonl, - for a pipe"
    ),
    Option(
        "-s",
        "FIELD...",
        "print these fields; +FIELD appends, +3FIELD inserts after the\nthird, -FIELD removes, FIELD:20 sets the width",
    ),
    Option("-n", "", "numbers for ports; -nn for protocols too"),
    Option("-u", "", "times as seconds since 1970"),
    Option("-c", "CHAR", "print values with this character between them; \\t is a tab"),
    Option("-p", "DIGITS", "digits after the decimal point, 0 to 9 (6)"),
    Option("-L", "LINES", "heading every so many lines; 0 once, -1 never (0)"),
    Option("-N", "[io]RANGE", "only records n, a-b or a+n, of those selected (i) or printed (o)"),
    Option("-A", "", "totals at the end"),
    Option("-q", "", "print no records"),
    Option("-z", "", "state of TCP as letters of what happened: sSEfFCR"),
    Option("-Z", "s|d|b", "state of TCP as flags seen from source, destination or both"),
    Option("-b", "", "print what the filter is understood as and stop"),
    Option("-X", "", "read no configuration file (there is none)"),
    Option("-h --help", "", "this text"),
)
MAX_DIGITS = 9
READ_SUFFIXES = {".parquet", ".arrow", ".avro"}
SOME_COLUMNS, WHOLE_RECORDS = 131_072, 32_768  # records read at a time
DASH = "-"
TCP_STATES = {"s": "source", "d": "destination", "b": "both"}
NAMES_CYCLE = 4  # Argus looks names up at the third -n and begins anew at the fourth
NO_MATCH, FAILED = 1, 2


def style(parsed: Parsed) -> Style:
    """Return how values are to be written; raises UsageError."""
    from topics.fields import Style

    numbers = parsed.count("-n") % NAMES_CYCLE
    letter = parsed.word("-Z")
    if letter is not None and letter not in TCP_STATES:
        raise UsageError(f"option -Z takes s, d or b, not '{letter}'")
    precision = parsed.number("-p", 6, minimum=0)
    if precision > MAX_DIGITS:
        raise UsageError(f"option -p takes at most {MAX_DIGITS} digits, not {precision}")
    return Style(
        precision=precision,
        port_names=numbers in {0, 3},
        protocol_names=numbers != 2,
        epoch=bool(parsed.count("-u")),
        tcp_state=TCP_STATES[letter] if letter else "letters" if parsed.count("-z") else "word",
    )


def printer(parsed: Parsed) -> Printer:
    """Return what prints the records; raises UsageError."""
    from clients.listing.columns import columns
    from clients.listing.lines import Listing
    from clients.listing.printer import Printer

    listing = Listing(columns(parsed.words("-s")), style(parsed), delimiter(parsed.word("-c")))
    return Printer(
        listing,
        every=max(parsed.number("-L", 0), -1),
        first=window(parsed).output.first,
    )


def delimiter(text: str | None) -> str:
    """Return the character of `-c`, empty when it was not given."""
    if text is None:
        return ""
    if text in {"\\t", "\t"}:
        return "\t"
    if len(text) != 1 or text in '"\r\n':
        raise UsageError(f"option -c takes one character, not '{text}'")
    return text


def modes(parsed: Parsed, known: Iterable[str]) -> set[str]:
    """Return the words of `-M`; `TZ=ZONE` is acted upon. Raises UsageError for an unknown one."""
    given = set()
    for word in parsed.words("-M"):
        if word.startswith("TZ="):
            os.environ["TZ"] = word[3:]
            time.tzset()
        elif word in known:
            given.add(word)
        else:
            raise UsageError(f"unknown mode '{word}'{suggestion(word, known)}")
    return given


def paths(parsed: Parsed) -> list[str]:
    """Return the files to be read; raises UsageError when none is named, InputError for a directory without any."""
    found = [*parsed.words("-r"), *(path for directory in parsed.words("-R") for path in _under(directory))]
    if not found:
        raise UsageError("say what to read: -r FILE, -R DIR or -r - for a pipe")
    if found.count(DASH) > 1:
        raise UsageError("standard input can be read only once: -r - was given twice")
    return found


def _under(directory: str) -> list[str]:
    """Return the record files under a directory, without those in hidden directories or behind links, as Argus does."""
    if not Path(directory).is_dir():
        raise InputError(
            f"{directory}: is no directory" if Path(directory).exists() else f"{directory}: No such directory"
        )
    found = []
    for place, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        files = [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        found += [str(file) for file in files if file.suffix in READ_SUFFIXES and not file.is_symlink()]
    if not found:
        raise InputError(f"{directory}: holds no record files ({', '.join(sorted(READ_SUFFIXES))})")
    return found


def condition(parsed: Parsed) -> pl.Expr | None:
    """Return what the filter selects, None for all records; raises FilterError."""
    if not parsed.rest:
        return None
    from topics import filter as filters  # not on the way of a plain listing

    return filters.compile(parsed.expression)


def tree(parsed: Parsed) -> str:
    """Return what the filter was understood as, for `-b`; raises FilterError."""
    from topics import filter as filters

    return filters.shown(parsed.expression)


def constant(expression: pl.Expr | None) -> bool | None:
    """Return what a filter says of every record (`not man`), None when it depends on the record."""
    import polars as pl

    if expression is None:
        return True
    if expression.meta.root_names():
        return None
    return bool(pl.select(expression).item())


def frames(
    names: list[str],
    wanted: pl.Expr | None,
    columns: set[str] | None = None,
    read: Callable[[int], None] = lambda _: None,
) -> Iterator[pl.DataFrame]:
    """Yield the records of all files that a filter selects, with these columns or all, some thousands at a time.

    `read` is told how many records were looked at. Raises InputError for a file that cannot be read, before the first
    record when it is missing or something else.
    """
    from sinks.formats.scan import reading

    chosen = None if columns is None else sorted(columns)
    size = WHOLE_RECORDS if columns is None else SOME_COLUMNS
    for name, pieces in [(name, _pieces(name, size)) for name in names]:
        for piece, count in pieces:
            read(count)
            selected = piece if wanted is None else piece.filter(wanted)
            with reading([name]):
                frame = (selected if chosen is None else selected.select(chosen)).collect()
            yield frame


def _pieces(name: str, size: int) -> Iterator[tuple[pl.LazyFrame, int]]:
    """Look whether a file can be read, and return what yields its records with their number."""
    from sinks.formats.names import Format, readable_format
    from sinks.formats.scan import scan

    if readable_format(name) is Format.PARQUET:
        return _slices(name, scan([name]), size)
    return _batches(name)


def _slices(name: str, lazy: pl.LazyFrame, size: int) -> Iterator[tuple[pl.LazyFrame, int]]:
    """Cut a file into slices: Polars, left to itself, reads as fast as it can and keeps what waits in memory."""
    import polars as pl

    from sinks.formats.scan import reading

    with reading([name]):
        count = lazy.select(pl.len()).collect().item()
    for start in range(0, count, size):
        yield lazy.slice(start, size), min(size, count - start)


def _batches(name: str) -> Iterator[tuple[pl.LazyFrame, int]]:
    from sinks.formats import open_reader

    for batch in open_reader(name):
        yield to_frame(batch).lazy(), len(batch)


def to_frame(batch: FlowBatch) -> pl.DataFrame:
    """Return a batch as a frame with the columns of topics/frame.py."""
    import polars as pl

    from topics.frame import to_arrow

    frame = pl.from_arrow(to_arrow(batch))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch with columns is never a series
    return frame


def to_batch(frame: pl.DataFrame) -> FlowBatch:
    """Return a frame with all columns of topics/frame.py as a batch."""
    from topics.frame import from_arrow

    return from_arrow(frame.to_arrow())


def totals(parsed: Parsed) -> Totals | None:
    """Return what counts for `-A`, None when it was not given."""
    if not parsed.count("-A"):
        return None
    from clients.listing.printer import Totals

    return Totals()


def window(parsed: Parsed) -> Window:
    """Return what `-N` asks for; raises UsageError."""
    return Window.parse(parsed.word("-N"))
