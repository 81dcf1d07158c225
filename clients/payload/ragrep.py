"""`argosy ragrep`: regular expressions over the payload of flows. As Argus's ragrep and GNU's grep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import Selection, selection
from clients.reading.source_names import paths
from clients.reading.sources import Source
from clients.writing.outputs import Outputs
from topics.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed
    from processors.payload.search import Search

USAGE = "argosy ragrep -e [s:|d:]PATTERN -r FILE... | -R DIR... | -S kafka://HOST/TOPIC [OPTIONS] [- FILTER]"
SUMMARY = """\
Prints or writes the records whose payload matches a regular expression (`argosy probe -U BYTES` keeps payload).
A byte is a character, \\xff too, and a dot stands for any; ^ is where the payload begins.
Exit status: 0 when some record matched, 1 when none did, 2 after an error."""
OWN = {"-e", "-c", "-L"}  # options that mean something else here than to the other clients, as in Argus
OPTIONS = (
    Option("-e", "[s:|d:]PATTERN", "look for this, in what the source said, the destination, or both; may be repeated"),
    Option("-f", "FILE", "look for any of the patterns in a file, one a line"),
    Option("-i", "", "capitals or not, it is the same"),
    Option("-v", "", "records that do not match"),
    Option("-c", "", "print how many records match, for each file"),
    Option("-l", "", "print the names of the files with a match, and read them no further"),
    Option("-L", "", "print the names of the files without a match"),
    Option("-q", "", "print nothing; stop at the first match"),
    Option("-C", "COUNT", "so many records before and after each match too"),
    Option("--around", "BYTES", "show so many bytes before and after the match, field match (16)"),
    *(option for option in (*inquiry.INPUT, *inquiry.PRINTED, *inquiry.WRITTEN) if option.names not in {*OWN, "-q"}),
    Option("-M", "MODE...", "json or xml; printer=ascii|obfuscate|hex|encode32|encode64; TZ=ZONE, label=PATTERN"),
)
DEFAULT = ("stime", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "match")
MATCH_WIDTH, AROUND = 56, 16


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record matched, 1 when none did."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    from processors.payload.search import Search

    search = Search(_patterns(parsed), ignore_case=parsed.count("-i") > 0)
    parsed.given.pop("-e", None)  # of the other clients it is another way to select
    chosen = selection(parsed)
    if parsed.count("-l") or parsed.count("-L") or parsed.count("-q"):
        return _names(parsed, search, chosen)
    if parsed.count("-c"):
        return _counts(parsed, search, chosen)
    return _records(parsed, search, chosen)


def _patterns(parsed: Parsed) -> list[str]:
    path, patterns = parsed.word("-f"), list(parsed.words("-e"))
    if path is not None:
        try:
            patterns += Path(path).read_text("utf-8", "surrogateescape").splitlines()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
    elif not patterns:
        raise UsageError("say what to look for: -e PATTERN or -f FILE")
    return patterns


def _mask(parsed: Parsed, search: Search, frame: pl.DataFrame) -> pl.Series:
    found = search.matches(frame)
    return ~found if parsed.count("-v") else found


def _names(parsed: Parsed, search: Search, chosen: Selection) -> int:
    """Print the names of files with a match, or without one; nothing for -q."""
    some, listed = False, False
    for name in paths(parsed):
        frames = Source(parsed, [name]).frames(chosen, search.columns)
        matched = any(_mask(parsed, search, frame).any() for frame in frames)
        some |= matched
        if parsed.count("-q") and matched:
            return 0
        if not parsed.count("-q") and matched != bool(parsed.count("-L")):
            listed = True
            print(name)
    return 0 if (listed if not parsed.count("-q") else some) else inquiry.NO_MATCH


def _counts(parsed: Parsed, search: Search, chosen: Selection) -> int:
    names, total = paths(parsed), 0
    for name in names:
        frames = Source(parsed, [name]).frames(chosen, search.columns)
        count = sum(int(_mask(parsed, search, frame).sum()) for frame in frames)
        print(f"{name}:{count}" if len(names) > 1 else count)
        total += count
    return 0 if total else inquiry.NO_MATCH


def _records(parsed: Parsed, search: Search, chosen: Selection) -> int:
    from processors.payload.search import EXCERPT
    from topics.expression import col
    from topics.fields import Field
    from topics.fields.formats import LEFT_TEXT

    match = Field("match", "Match", MATCH_WIDTH, lambda: col(EXCERPT), LEFT_TEXT, "where the match is, and what")
    outputs, window = Outputs(parsed), inquiry.window(parsed)
    around, count = parsed.number("--around", AROUND, minimum=0), 0
    with outputs:
        printer = None if outputs.any else inquiry.printer(parsed, DEFAULT, {"match": match})
        columns = None if printer is None else printer.columns - {EXCERPT} | search.columns
        frames = window.input.cut(Source(parsed).frames(chosen, columns))
        for frame in window.output.cut(_matching(parsed, search, frames)):
            count += frame.height
            if printer is None:
                outputs.write_frame(frame)
            else:
                printer.print(search.excerpts(frame, around) if EXCERPT in printer.columns else frame)
        if printer is not None:
            printer.close()
    return 0 if count else inquiry.NO_MATCH


def _matching(parsed: Parsed, search: Search, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the records that match, and as many before and after each as -C asks for."""
    from processors.payload.neighbours import Neighbours

    neighbours = Neighbours(parsed.number("-C", 0, minimum=0))
    for frame in frames:
        yield neighbours.take(frame, _mask(parsed, search, frame))
