"""`argosy racluster`: merges records into flows, or by any other key. Options and output are those of Argus."""

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
    from processors.merge import Aggregation
    from topics.batch import FlowBatch

USAGE = "argosy racluster -r FILE... | -R DIR... [-m KEY...] [OPTIONS] [- FILTER]"
SUMMARY = """Merges all records of a key into one and prints them, or writes them; a filter comes first.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *reading.OPTIONS,
    Option(
        "-m", "KEY...", "merge by these fields: saddr/24 daddr proto sport dport smac srcid ...; none for no merging"
    ),
    Option(
        "-M",
        "MODE...",
        "norep (no count of records, no statistics), nocorrect (directions stay apart), nopreserve\n"
        "(only the key is kept), rmon (each record both ways), ind (each file by itself), TZ=ZONE",
    ),
)
MODES = ("norep", "correct", "nocorrect", "preserve", "nopreserve", "rmon", "ind", "man", "noman")


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
    modes = reading.modes(parsed, MODES)
    if parsed.count("-b"):
        print(reading.tree(parsed))
        return 0
    wanted = reading.condition(parsed)
    names, totals = reading.paths(parsed), reading.totals(parsed)
    put = _writing if parsed.word("-w") else _printing
    selected = put(parsed, _merged(parsed, modes, names, wanted, totals))
    if totals is not None:
        print(totals.text(), file=sys.stderr if parsed.word("-w") == reading.DASH else sys.stdout)
    return 0 if selected else reading.NO_MATCH


def _merged(
    parsed: Parsed, modes: set[str], names: list[str], wanted: pl.Expr | None, totals: Totals | None
) -> Iterator[FlowBatch]:
    """Yield what the records of all files were merged into, with `ind` one batch for each file."""
    aggregation = _aggregation(parsed, modes)
    groups = [[name] for name in names] if "ind" in modes else [names]
    for group in groups:
        for batch in _selected(parsed, group, wanted, totals):
            aggregation.add(batch)
        yield aggregation.finish()


def _aggregation(parsed: Parsed, modes: set[str]) -> Aggregation:
    from processors.merge import Aggregation

    return Aggregation(
        keys=parsed.words("-m"),
        preserve="nopreserve" not in modes,
        correct="nocorrect" not in modes,
        aggregates="norep" not in modes,
        rmon="rmon" in modes,
    )


def _selected(parsed: Parsed, names: list[str], wanted: pl.Expr | None, totals: Totals | None) -> Iterator[FlowBatch]:
    """Yield the records that the filter and `-N` let through."""
    from sinks.formats import open_reader

    answer = reading.constant(wanted)
    window = reading.window(parsed).input
    if answer and window.unlimited and totals is None:  # nothing to look at: spare the records the way into columns
        for name in names:
            yield from open_reader(name)
        return
    frames = reading.frames(names, None if answer else wanted, read=totals.note if totals else lambda _: None)
    for frame in window.cut(frames):
        if totals is not None:
            totals.add(frame)
        yield reading.to_batch(frame)


def _printing(parsed: Parsed, batches: Iterator[FlowBatch]) -> int:
    printer = reading.printer(parsed)
    window = reading.window(parsed).output
    selected = 0
    for frame in window.cut(reading.to_frame(batch) for batch in batches):
        selected += frame.height
        if not parsed.count("-q"):
            printer.print(frame)
    return selected


def _writing(parsed: Parsed, batches: Iterator[FlowBatch]) -> int:
    from sinks.formats import open_writer

    window = reading.window(parsed).output
    selected = 0
    with open_writer(parsed.word("-w") or "") as writer:
        for batch in batches if window.unlimited else _cut(window, batches):
            selected += len(batch)
            writer.write(batch)
    return selected


def _cut(window: Window, batches: Iterator[FlowBatch]) -> Iterator[FlowBatch]:
    for frame in window.cut(reading.to_frame(batch) for batch in batches):
        yield reading.to_batch(frame)
