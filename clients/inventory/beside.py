"""What a command compares with: other files, another time, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from clients.inventory.table import some
from clients.options import Option, Parsed
from clients.reading.selection import selection
from clients.reading.source_names import DASH, SCHEME, paths, record_files
from clients.reading.sources import Source
from topics.errors import UsageError

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

OPTIONS = (
    Option("--baseline", "FILE...", "compare with the records of other files or directories"),
    Option(
        "--before", "RANGE", "compare with another time, written as for -t; of the baseline, else of the same files"
    ),
)


def is_asked(parsed: Parsed) -> bool:
    """Tell whether there is anything to compare with."""
    return bool(parsed.words("--baseline") or parsed.word("--before"))


def baseline(parsed: Parsed, columns: set[str], work: Callable[[Iterator[pl.LazyFrame]], T]) -> T:
    """Return what is made of the records to compare with, as `gathered` does; raises UsageError, InputError."""
    names = list(_named(parsed))
    if not names:
        names = paths(parsed)
        if not is_read_twice(parsed):
            raise UsageError("a pipe or a topic is read once: say what to compare with by --baseline FILE")
    source = Source(parsed, names)
    with source.reading():
        return work(some(source.pieces(selection(_then(parsed)), columns)))


def is_read_twice(parsed: Parsed) -> bool:
    """Tell whether records can be read once more: not those of a pipe or a topic."""
    return not any(name == DASH or name.startswith(SCHEME) for name in paths(parsed))


def _named(parsed: Parsed) -> Iterator[str]:
    from pathlib import Path

    for name in parsed.words("--baseline"):
        yield from record_files(name) if Path(name).is_dir() else [name]


def _then(parsed: Parsed) -> Parsed:
    """Return the same command line with the time of the baseline."""
    other = Parsed()
    other.given = {name: words for name, words in parsed.given.items() if name != "-t"}
    other.groups, other.rest = parsed.groups, parsed.rest
    if (text := parsed.word("--before")) is not None:
        other.given["-t"] = [text]
    return other
