"""`argosy racluster`: merges records into flows, or by any other key. Options and output are those of Argus."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import Selection, selection
from clients.reading.sources import Source, to_batch, to_frame
from clients.writing.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from clients.listing.printer import Totals
    from clients.listing.window import Window
    from clients.options import Parsed
    from clients.records.racluster_conf import RuledAggregation
    from processors.merge import Aggregation
    from processors.merge.by_fields import FieldAggregation
    from topics.batch import FlowBatch

USAGE = "argosy racluster -r FILE... | -R DIR... [-m KEY...] [OPTIONS] [- FILTER]"
SUMMARY = """Merges all records of a key into one and prints them, or writes them; a filter comes first.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option(
        "-m",
        "KEY...",
        "merge by these fields: saddr/24 daddr matrix proto sport dport smac srcid, or any other\n"
        "that can be printed; none for no merging, all for one record",
    ),
    Option(
        "-M",
        "MODE...",
        "norep (no count of records, no statistics), nocorrect (directions stay apart), nopreserve\n"
        "(only the key is kept), rmon (each record both ways), ind (each file by itself),\n"
        "replace (each file by its merged self), TZ=ZONE, json, xml",
    ),
    Option(
        "-f",
        "CONF",
        'racluster.conf: lines of filter="..." model="..." status=SECONDS idle=SECONDS label="..." cont;\n'
        "the first that fits merges a record; a flow ends before it lasts `status`, or after `idle` without\n"
        "a packet",
    ),
)
LISTED = 1 << 18  # records listed at a time
MODES = ("norep", "correct", "nocorrect", "preserve", "nopreserve", "rmon", "ind", "replace")


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from clients.writing.replacing import each_file

    def merge(parsed: Parsed, source: Source, outputs: Outputs) -> int:
        return _merge(parsed, modes, source, outputs)

    if "replace" in modes:
        return each_file(parsed, merge)
    return merge(parsed, Source(parsed), Outputs(parsed))


def _merge(parsed: Parsed, modes: set[str], source: Source, outputs: Outputs) -> int:
    totals = inquiry.totals(parsed)
    if totals is None and not outputs.any and not outputs.wants_rejects:
        frame = _scanned(parsed, modes, source)
        if frame is not None:
            return 0 if inquiry.print_all(parsed, _cut_frames(parsed, frame)) else inquiry.NO_MATCH
    with outputs:
        if totals is None and not outputs.wants_rejects:
            written = _written_columns(parsed, modes, source, outputs)
            if written is not None:
                return 0 if written else inquiry.NO_MATCH
        put = _writing if outputs.any else _printing
        selected = put(parsed, outputs, _merged(parsed, modes, source, totals, outputs))
    if totals is not None:
        print(totals.text(), file=sys.stderr if outputs.pipes else sys.stdout)
    return 0 if selected else inquiry.NO_MATCH


def _takes_rows(parsed: Parsed, modes: set[str]) -> bool:
    """Tell whether it takes whole records, one after the other, to merge them as the command line asks."""
    return bool(
        parsed.word("-f") or modes & {"ind", "rmon", "nopreserve"} or not inquiry.window(parsed).input.unlimited
    )


def _written_columns(parsed: Parsed, modes: set[str], source: Source, outputs: Outputs) -> int | None:
    """Merge records column by column and write them; return their number, None where that is not possible."""
    from clients.records.merging import merged_columns, put_columns

    if _takes_rows(parsed, modes):
        return None
    batches = merged_columns(parsed, modes, source, _keys(parsed))
    return None if batches is None else put_columns(parsed, outputs, batches)


def _scanned(parsed: Parsed, modes: set[str], source: Source) -> pl.DataFrame | None:
    """Return the merged records with the columns that are printed, None where it takes whole records to merge them."""
    if _takes_rows(parsed, modes):
        return None
    from clients.reading.ahead import ahead
    from processors.merge.grouped import can_group, merged_frame

    keys, columns, chosen = _keys(parsed), inquiry.shown(parsed), selection(parsed)
    records = source.scan(chosen) if can_group(keys, columns) else None
    if records is None:
        return None

    def frames(asked: Sequence[pl.Expr]) -> Iterator[pl.DataFrame]:
        return ahead(source.worked_out(chosen, asked))

    with source.reading():
        return merged_frame(
            records,
            keys,
            columns,
            correct="nocorrect" not in modes,
            aggregates="norep" not in modes,
            frames=frames if source.is_large else None,
        )


def _cut_frames(parsed: Parsed, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    return inquiry.window(parsed).output.cut(frame.iter_slices(LISTED))


def _keys(parsed: Parsed) -> list[str]:
    return [part for word in parsed.words("-m") for part in word.split(",")]


def _merged(
    parsed: Parsed, modes: set[str], source: Source, totals: Totals | None, outputs: Outputs
) -> Iterator[FlowBatch]:
    """Yield what the records of all files were merged into, with `ind` one batch for each file."""
    chosen, aggregation = selection(parsed), _aggregation(parsed, modes)
    groups = [[name] for name in source.names] if "ind" in modes else [source.names]
    for group in groups:
        for batch in _selected(parsed, Source(parsed, group), chosen, totals, outputs):
            aggregation.add(batch)
        yield aggregation.finish()


def _aggregation(parsed: Parsed, modes: set[str]) -> Aggregation | FieldAggregation | RuledAggregation:
    from processors.merge.by_fields import aggregation

    options = {
        "preserve": "nopreserve" not in modes,
        "correct": "nocorrect" not in modes,
        "aggregates": "norep" not in modes,
        "rmon": "rmon" in modes,
    }
    path = parsed.word("-f")
    if path is None:
        return aggregation(_keys(parsed), **options)
    from clients.records.racluster_conf import RuledAggregation, read_configuration

    return RuledAggregation(read_configuration(path), **options)


def _selected(
    parsed: Parsed, source: Source, chosen: Selection, totals: Totals | None, outputs: Outputs
) -> Iterator[FlowBatch]:
    """Yield the records that the selection and `-N` let through."""
    answer, window = chosen.constant, inquiry.window(parsed).input
    if answer and window.unlimited and totals is None:  # nothing to look at: spare the records the way into columns
        yield from source.batches()
        return
    rejected = outputs.reject if outputs.wants_rejects else None
    read = totals.note if totals else lambda _: None
    for frame in window.cut(source.frames(Selection() if answer else chosen, None, read, rejected)):
        if totals is not None:
            totals.add(frame)
        yield to_batch(frame)


def _printing(parsed: Parsed, _: Outputs, batches: Iterator[FlowBatch]) -> int:
    printer = inquiry.printer(parsed)
    window = inquiry.window(parsed).output
    selected = 0
    for frame in window.cut(to_frame(batch) for batch in batches):
        selected += frame.height
        if not parsed.count("-q"):
            printer.print(frame)
    if not parsed.count("-q"):
        printer.close()
    return selected


def _writing(parsed: Parsed, outputs: Outputs, batches: Iterator[FlowBatch]) -> int:
    window = inquiry.window(parsed).output
    selected = 0
    for batch in batches if window.unlimited else _cut(window, batches):
        selected += len(batch)
        outputs.write(batch)
    return selected


def _cut(window: Window, batches: Iterator[FlowBatch]) -> Iterator[FlowBatch]:
    for frame in window.cut(to_frame(batch) for batch in batches):
        yield to_batch(frame)
