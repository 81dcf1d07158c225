"""`argosy rahisto`: how often values of metrics are, in classes. Options and output are those of Argus's rahisto."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from topics.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from clients.options import Parsed
    from processors.histogram import Classes, Summary, Values, Wish

USAGE = "argosy rahisto -H METRIC BINS[L][:RANGE|:SIZE] [METRIC BINS...] -r FILE... [OPTIONS] [- FILTER]"
SUMMARY = """Prints how often values of metrics are: their number, mean, deviation, extremes, median, 95th percentile
and most frequent values, then classes of one width, or with L of one ratio, each with its share and all up to it.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.INPUT,
    Option(
        "-H",
        "METRIC BINS...",
        "classes of a field: dur 10, dur 10:0-75u, bytes 10L:0-1M, sttl 16:16 (16 wide); may be given\n"
        "several times, or with several pairs; units u m s M H D of times, u m K M G of others;\n"
        "abs before the metric takes values without their sign",
    ),
    Option(
        "-M",
        "MODE...",
        "nozero: no classes without values; outlayer (or outlier): count what is outside of the range too;\nTZ=ZONE",
    ),
    Option("-c", "CHAR", "print values with this character between them; \\t is a tab"),
    Option("-p", "DIGITS", "digits after the decimal point, 0 to 9 (6)"),
)
MODES = ("nozero", "outlayer", "outlier")
HEADING = " Class      Interval         Freq    Rel.Freq     Cum.Freq    "


class _Asked(NamedTuple):
    metric: str
    wish: Wish
    absolute: bool
    whole: bool  # of integers


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.histogram import Values, summary

    asked = [each for group in parsed.groups.get("-H", []) for each in _asked(group)]
    if not asked:
        raise UsageError("say which classes: -H dur 10, -H bytes 10L:0-1M")
    digits, between = inquiry.style(parsed).precision, inquiry.delimiter(parsed.word("-c"))
    every = [Values() for _ in asked]
    selected = _read(parsed, asked, every)
    if not selected:
        return inquiry.NO_MATCH
    for place, (each, values) in enumerate(zip(asked, every, strict=True)):
        if len(asked) > 1:
            print(("" if not place else "\n") + each.metric)
        distinct, counts = values.counted()
        least, largest = (float(distinct[end]) for end in (0, -1)) if len(distinct) else (0.0, 1.0)
        classes = each.wish.classes(least, largest, seconds=_seconds(each.metric))
        outside = bool(modes & {"outlayer", "outlier"})
        if not outside:
            inside = (distinct >= classes.edges[0]) & (distinct < classes.edges[-1])
            distinct, counts = distinct[inside], counts[inside]
        rows = _rows(classes, classes.counts(distinct, counts), outside=outside)
        found = summary(distinct, counts)
        if found is not None:
            print("\n".join(_statistics(found, digits, between, whole=each.whole)))
            print("\n".join(_lines(rows, found.number, between, nozero="nozero" in modes)))
    return 0


def _asked(words: list[str]) -> list[_Asked]:
    from processors.histogram import parse_wish
    from topics.fields import field

    parts = [part for word in words for part in word.split()]
    found = []
    absolute = False
    while parts:
        name = parts.pop(0)
        if name == "abs":
            absolute = True
            continue
        if not parts:
            raise UsageError(f"option -H: how many classes of {name}? -H {name} 10")
        name = {"avgdur": "mean"}.get(name, name)
        known = field(name)
        if known.format.holds != "number" and name != "proto":
            raise UsageError(f"'{name}' is no number that could be counted in classes")
        wish = parse_wish(parts.pop(0), seconds=_seconds(name))
        found.append(_Asked(name, wish, absolute, known.format.scale == 1 and _is_whole(name)))
        absolute = False
    return found


def _seconds(name: str) -> bool:
    from topics.fields import field

    return field(name).format.scale != 1


def _is_whole(name: str) -> bool:
    import polars as pl

    from topics.frame import ARROW_SCHEMA

    empty = pl.from_arrow(ARROW_SCHEMA.empty_table())
    assert isinstance(empty, pl.DataFrame)  # noqa: S101 - a table with columns is never a series
    return empty.select(_value(name)).dtypes[0].is_integer()


def _value(name: str) -> pl.Expr:
    """Return what is counted: the number of a protocol, the value of any other field as it is printed."""
    import polars as pl

    from topics.fields import field

    if name == "proto":
        return pl.col("protocol")
    known = field(name)
    return known.value() / known.format.scale if known.format.scale != 1 else known.value()


def _read(parsed: Parsed, asked: list[_Asked], every: list[Values]) -> int:
    """Collect the values of the records selected, and return the number of these."""
    expressions = [_value(each.metric).alias(str(place)) for place, each in enumerate(asked)]
    columns = {name for expression in expressions for name in expression.meta.root_names()} | inquiry.JUST_COUNTED
    selected = 0
    for frame in inquiry.window(parsed).input.cut(Source(parsed).frames(selection(parsed), columns)):
        selected += frame.height
        shown = frame.select(expressions)
        for place, (each, values) in enumerate(zip(asked, every, strict=True)):
            values.add(shown[str(place)].abs() if each.absolute else shown[str(place)])
    return selected


def _rows(classes: Classes, counts: tuple[int, list[int], int], *, outside: bool) -> list[tuple[float, int]]:
    """Return where each class begins and how many values are in it; those outside of the range first and last."""
    below, within, above = counts
    rows = list(zip(classes.edges[:-1].tolist(), within, strict=True))
    if not outside:
        return rows
    first = [(min(0.0, classes.edges[0]), below)] if classes.edges[0] > 0 or below else []
    return [*first, *rows, (float(classes.edges[-1]), above)]


def _statistics(found: Summary, digits: int, between: str, *, whole: bool) -> list[str]:
    """Return the lines above the classes; Argus puts numbers that are written with digits into one width."""

    def one(value: float) -> str:
        return f"{value:.0f}" if whole else f"{value:.{digits}f}"

    mean, deviation = (f"{value:.{digits}f}" for value in (found.mean, found.deviation))
    median = one(found.median) if found.number % 2 else f"{found.median:.{digits}f}"
    modes = ",".join(one(mode) for mode in found.modes)
    if between:
        values = {"N": str(found.number), "mean": mean, "stddev": deviation, "max": one(found.largest)}
        values |= {"min": one(found.least), "median": median, "95%": one(found.percentile)}
        values |= {"mode": modes.replace(",", ";")} if modes else {}
        return [between.join(f"{name}={value}" for name, value in values.items())]
    width = max(len(mean), len(deviation), len(median), *(() if whole else (len(one(found.largest)),)))
    ends = f"max = {one(found.largest)}  min = {one(found.least)}"
    lines = [
        f" N = {found.number:<6}  mean = {mean:>{width}}  stddev = {deviation:>{width}}  {ends}",
        f"           median = {median:>{width}}     95% = {one(found.percentile)}",
    ]
    return [*lines, f"             mode = {modes:>{width}}"] if modes else lines


def _lines(rows: list[tuple[float, int]], number: int, between: str, *, nozero: bool) -> list[str]:
    """Return the heading and a line for each class."""
    lines = [between.join(HEADING.split()) if between else HEADING]
    upto = 0
    shown = [row for row in rows if row[1] or not nozero]
    for place, (start, count) in enumerate(shown, start=1):
        upto += count
        share, all_upto = (100 * part / number for part in (count, upto))
        if between:
            lines.append(between.join((f"{place}", f"{start:e}", f"{count}", f"{share:.6f}%", f"{all_upto:.6f}%")))
        else:
            lines.append(f"{place:>6}{start:>16e}{count:>11}{share:>11.4f}%{all_upto:>12.4f}%    ")
    return lines
