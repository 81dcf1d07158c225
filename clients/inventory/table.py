"""Tables of findings: options, columns and lines as those of records, for rows that are no records."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from clients.options import Option
from clients.progress import Progress
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from topics.expression import col
from topics.fields.field import Field, Format
from topics.fields.formats import COUNT, FRACTION, LEFT_TEXT, WORD

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from clients.listing.printer import Lines
    from clients.options import Parsed
    from topics.fields import Style

OPTIONS = (
    *inquiry.INPUT,
    Option("-s", "COLUMN...", "print these columns; +COLUMN appends, -COLUMN removes; COLUMN:20 sets the width"),
    Option("-n", "", "numbers for ports and protocols"),
    Option("-u", "", "times as seconds since 1970"),
    Option("-c", "CHAR", "print values with this character between them; \\t is a tab"),
    Option("-p", "DIGITS", "digits after the decimal point, 0 to 9"),
    Option("-H", "", "counters in thousands, millions, ...: 4.692K"),
    Option("-L", "LINES", "heading every so many lines; 0 once, -1 never (0)"),
    Option("-q", "", "print nothing, only the exit status tells"),
)
WHOLE = ("query",)  # half a question is of no use
WIDEST = 72  # a column of text for people; programs get all of it


def _dated(pattern: str) -> Format:
    def written(value: pl.Expr, style: Style, _: int) -> pl.Expr:
        import polars as pl

        from topics.fields.formats import SECOND, fraction_of_second, local_time

        instant = value.cast(pl.Int64)
        whole = (instant // SECOND).cast(pl.String) if style.epoch else local_time(instant).dt.strftime(pattern)
        fraction = fraction_of_second(instant, style)
        is_exact = fraction is not None and (style.epoch or "T" in pattern)
        text = pl.concat_str(whole, pl.lit("."), fraction) if is_exact else whole
        return pl.when(value.is_not_null()).then(text)

    return Format(written, holds="time")


TO_SECONDS, EXACT = _dated("%Y-%m-%d %H:%M:%S"), _dated("%Y-%m-%dT%H:%M:%S")


class _Known(dict[str, Field]):
    """The columns that there are, and no others: those of records would find nothing to show."""

    def __contains__(self, _: object) -> bool:
        return True

    def __missing__(self, name: str) -> Field:
        from topics.errors import UsageError
        from topics.nearest import suggestion

        known = list(self)
        raise UsageError(f"unknown column '{name}'{suggestion(name, known) or '; there are ' + ', '.join(known)}")


def count(name: str, title: str) -> Field:
    """Return a column of counters."""
    return Field(name, title, len(title), lambda: col(name), COUNT, "")


def moment(name: str, title: str) -> Field:
    """Return a column of times, with their date; blank where there is none."""
    return Field(name, title, len(title), lambda: col(name), TO_SECONDS, "")


def word(name: str, title: str) -> Field:
    """Return a column of short text, right aligned."""
    return Field(name, title, len(title), lambda: col(name), WORD, "")


def text(name: str, title: str) -> Field:
    """Return a column of text that may be long or hold anything."""
    return Field(name, title, len(title), lambda: col(name), LEFT_TEXT, "")


def fraction(name: str, title: str) -> Field:
    """Return a column of numbers with decimals."""
    return Field(name, title, len(title), lambda: col(name), FRACTION, "")


def address(name: str, title: str) -> Field:
    """Return a column of 16 bytes of IP."""
    return Field(name, title, len(title), lambda: col(name).ip_text(), WORD, "")


def protocol() -> Field:
    """Return the column `protocol`, a number of IP."""
    from topics.fields.names import UNASSIGNED, ip_protocols

    def written(value: pl.Expr, style: Style, _: int) -> pl.Expr:
        import polars as pl

        if not style.port_names:
            return value.cast(pl.String)
        return value.cast(pl.Int64).replace_strict(ip_protocols(), default=UNASSIGNED, return_dtype=pl.String)

    return Field("proto", "Proto", 5, lambda: col("protocol"), Format(written), "")


def port(name: str, title: str, column: str) -> Field:
    """Return a column of ports, named after the column `protocol`."""
    from topics.fields.endpoints import service

    return Field(
        name, title, len(title), lambda: col(column), Format(lambda v, s, _: service(v, s), holds="number"), ""
    )


def selected(parsed: Parsed, columns: set[str]) -> Iterator[pl.DataFrame]:
    """Yield the records that a command is asked about: one frame at least, though it may be empty."""
    frames = inquiry.window(parsed).input.cut(Source(parsed).frames(selection(parsed), columns))
    first = next(frames, None)
    yield nothing() if first is None else first
    yield from frames


def gathered(parsed: Parsed, columns: set[str], work: Callable[[Iterator[pl.LazyFrame]], T]) -> T:
    """Return what is made of the records that a command is asked about, in pieces of which one at least comes."""
    source, chosen = Source(parsed), selection(parsed)
    if not inquiry.window(parsed).input.unlimited:
        return work(frame.lazy() for frame in selected(parsed, columns))
    with source.reading():
        return work(some(source.pieces(chosen, columns)))


def sparse(parsed: Parsed, columns: set[str], condition: pl.Expr) -> Iterator[pl.DataFrame]:
    """Yield records as `selected`, few of which meet a condition: of Parquet files only what takes to find these."""
    chosen, source = selection(parsed), Source(parsed)
    if not inquiry.window(parsed).input.unlimited:
        yield from selected(parsed, columns)
        return
    yield nothing()
    wanted = condition if chosen.wanted is None else chosen.wanted & condition
    with Progress(len(source.names)) as progress:
        for name in source.names:
            one = Source(parsed, [name])
            scanned = one.scan(replace(chosen, wanted=wanted))
            if scanned is None:
                yield from one.frames(chosen, columns)
            else:
                with one.reading():
                    found = scanned.select(sorted(columns)).collect(engine="streaming")
                progress.show(found.height)
                yield found
            progress.next()


def some(pieces: Iterator[pl.LazyFrame]) -> Iterator[pl.LazyFrame]:
    """Yield pieces of records, an empty one where there are none."""
    first = next(pieces, None)
    yield nothing().lazy() if first is None else first
    yield from pieces


def nothing() -> pl.DataFrame:
    """Return no records."""
    from sinks.formats.scan import scan

    return scan([]).collect()


def print_table(
    parsed: Parsed, rows: pl.DataFrame, fields: Sequence[Field], default: Sequence[str], nothing: str
) -> int:
    """Print rows with the columns of `-s`, of these `default`; return the exit status. `nothing` is said of no rows."""
    from clients.listing.printer import NEVER, Printer

    chosen, style = _chosen(parsed, fields, default), _style(parsed)
    window = inquiry.window(parsed).output
    cut = next(window.cut(iter([rows])))
    if not cut.height:
        print(nothing, file=sys.stderr)
        return inquiry.NO_MATCH
    if not parsed.count("-q"):
        every = NEVER if "json" in parsed.words("-M") else max(parsed.number("-L", 0), NEVER)
        printer = Printer(_lines(parsed, chosen, style, cut), every=every, first=window.first)
        printer.print(cut)
        printer.close()
    return 0


def _style(parsed: Parsed) -> Style:
    return inquiry.style(parsed)._replace(precision=parsed.number("-p", 3, minimum=0))


def _chosen(parsed: Parsed, fields: Sequence[Field], default: Sequence[str]) -> list[Field]:
    from clients.listing.columns import columns

    known = _Known((field.name, field) for field in fields)
    return columns(parsed.words("-s"), tuple(default), known)


def _lines(parsed: Parsed, chosen: Sequence[Field], style: Style, rows: pl.DataFrame) -> Lines:
    words, between = parsed.words("-M"), inquiry.delimiter(parsed.word("-c"))
    if "json" in words or "xml" in words:
        from clients.listing.structured import JsonLines, XmlDocument

        blank = next((word for word in words if word in {"null", "empty", "omit"}), "null")
        exact = [replace(field, format=EXACT) if field.format is TO_SECONDS else field for field in chosen]
        return JsonLines(exact, style, blank) if "json" in words else XmlDocument(exact, style)
    from clients.listing.lines import Listing

    return Listing(chosen if between else _fitted(chosen, style, rows), style, between)


def _fitted(fields: Sequence[Field], style: Style, rows: pl.DataFrame) -> list[Field]:
    """Return columns as wide as what they hold, unless they were given a width."""
    import polars as pl

    texts = rows.select(field.text(style).alias(str(place)) for place, field in enumerate(fields))
    longest = texts.select(pl.all().str.len_chars().max()).row(0)
    return [_wide(field, style, length or 0) for field, length in zip(fields, longest, strict=True)]


def _wide(field: Field, style: Style, length: int) -> Field:
    if field.width != len(field.title):
        return field
    if field.format is not LEFT_TEXT:
        return field.with_width(max(field.width, length - (field.columns(style) - field.width)))
    width = max(field.width, length if field.name in WHOLE else min(length, WIDEST))
    return replace(field, width=width, title=field.title.ljust(width))
