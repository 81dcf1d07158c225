"""`argosy rabins`: records merged by bins of time, count or size: time series of any key. As Argus's rabins."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source, to_batch, to_frame
from clients.records.merging import merged_columns, put_columns
from clients.writing.outputs import Outputs
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    import pyarrow as pa

    from clients.options import Parsed
    from processors.merge import Aggregation
    from processors.merge.by_fields import FieldAggregation
    from topics.batch import FlowBatch

USAGE = "argosy rabins -M time SIZE | count N | size N [MODE...] -r FILE... [-m KEY...] [OPTIONS] [- FILTER]"
SUMMARY = """Merges records by a key within bins of time, of so many records or of so many bytes of records. A record
that crosses the edge of a time bin is cut there; its packets and bytes are spread evenly, sums stay what they are.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option("-m", "KEY...", "merge by these fields, as racluster does; the conversation without any"),
    Option("-P", "FIELD...", "order of the records of a bin, as rasort's -m"),
    Option("-B", "SIZE", "give bins out so long after their end (10s, 5m), not only at the end of the input"),
    Option(
        "-M",
        "MODE...",
        "time SIZE: 10s, 5m, 1h, 1d, 1w, 1M, 1y; count N records; size N bytes of records (k, m, b);\n"
        "hard: times of the bins for those of the records; zero: a record for each empty bin;\n"
        "nomodify: nothing is cut; norep, nocorrect, nopreserve, rmon as for racluster; TZ=ZONE, json, xml",
    ),
)
MODES = (
    "hard",
    "soft",
    "zero",
    "nomodify",
    "norep",
    "correct",
    "nocorrect",
    "preserve",
    "nopreserve",
    "rmon",
    "nomerge",
)
ROW_MODES = {"hard", "zero", "nomodify", "nopreserve", "rmon", "nomerge"}  # those that take whole records
KINDS = ("time", "count", "size")
SUFFIXES = {"k": 1000, "m": 1_000_000, "b": 1_000_000_000}
CAPACITY = 1 << 10


class _Binning(NamedTuple):
    kind: str
    argument: str
    modes: set[str]


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(_without_binning(arguments), OPTIONS, USAGE, SUMMARY, _run, (*MODES, *KINDS, "bin"))


def _without_binning(arguments: list[str]) -> list[str]:
    """Join `time 10s` into one word, which other clients do not have in their modes."""
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1] in KINDS and word[:1].isdigit():
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _binning(parsed: Parsed, modes: set[str]) -> _Binning:
    asked = [word.partition("=") for word in parsed.words("-M") if word.partition("=")[0] in KINDS]
    if not asked:
        raise UsageError("say which bins: -M time 10s, -M count 1000 or -M size 10m")
    kind, _, argument = asked[-1]
    if not argument:
        raise UsageError(f"-M {kind} takes a size after it")
    return _Binning(kind, argument, modes)


def _run(parsed: Parsed, modes: set[str]) -> int:
    binning = _binning(parsed, modes)
    outputs = Outputs(parsed)
    named = any("%" in word for word in parsed.words("-w"))
    with outputs if not named else ExitStack():
        batches = None if named else _columns(parsed, binning, outputs)
        if batches is not None:
            return 0 if put_columns(parsed, outputs, batches) else inquiry.NO_MATCH
        bins = _bins(parsed, binning, outputs)
        if outputs.any and not named and not parsed.words("-P") and inquiry.window(parsed).output.unlimited:
            selected = _written(outputs, bins)
        else:
            frames = _ordered(parsed, bins)
            selected = _by_name(parsed, frames) if named else inquiry.put(parsed, outputs, (f for _, f in frames))
    return 0 if selected else inquiry.NO_MATCH


def _columns(parsed: Parsed, binning: _Binning, outputs: Outputs) -> Iterator[pa.RecordBatch] | None:
    """Return what yields the records of all bins, merged column by column, None where that is not possible."""
    rows = ROW_MODES & binning.modes or outputs.wants_rejects or not inquiry.window(parsed).input.unlimited
    if rows or binning.kind != "time" or any(parsed.words(option) for option in ("-B", "-P")):
        return None
    from processors.bins import bin_size

    columns = None if outputs.any else inquiry.shown(parsed)
    size = bin_size(binning.argument)
    return merged_columns(parsed, binning.modes, Source(parsed), parsed.words("-m"), size, columns)


def _written(outputs: Outputs, bins: Iterator[tuple[int, FlowBatch]]) -> int:
    """Write bins as they come, without the way through columns."""
    count = 0
    for _, batch in bins:
        outputs.write(batch)
        count += len(batch)
    return count


def _bins(parsed: Parsed, binning: _Binning, outputs: Outputs) -> Iterator[tuple[int, FlowBatch]]:
    """Yield the start of each bin and its merged records."""
    batches = _selected(parsed, outputs)
    return _of_time(parsed, binning, batches) if binning.kind == "time" else _of_amount(parsed, binning, batches)


def _ordered(parsed: Parsed, bins: Iterator[tuple[int, FlowBatch]]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the start of each bin and its records in the order that `-P` asks for."""
    from processors.sorting import sort_keys
    from processors.sorting.sorter import in_order

    keys = sort_keys(parsed.words("-P")) if parsed.words("-P") else []
    for start, batch in bins:
        yield start, in_order(to_frame(batch), keys)


def _selected(parsed: Parsed, outputs: Outputs) -> Iterator[FlowBatch]:
    rejected = outputs.reject if outputs.wants_rejects else None
    chosen, source = selection(parsed), Source(parsed)
    window = inquiry.window(parsed).input
    if chosen.constant and window.unlimited:
        yield from source.batches()
        return
    for frame in window.cut(source.frames(chosen, None, rejected=rejected)):
        yield to_batch(frame)


def _of_time(parsed: Parsed, binning: _Binning, batches: Iterator[FlowBatch]) -> Iterator[tuple[int, FlowBatch]]:
    from processors.bins import Series, bin_size

    hold = parsed.word("-B")
    series = Series(
        bin_size(binning.argument),
        lambda: _aggregation(parsed, binning.modes),
        cut="nomodify" not in binning.modes,
        hard="hard" in binning.modes,
        zero="zero" in binning.modes,
        hold=None if hold is None else bin_size(hold).length,
    )
    for batch in batches:
        yield from series.add(batch)
    yield from series.finish()


def _of_amount(parsed: Parsed, binning: _Binning, batches: Iterator[FlowBatch]) -> Iterator[tuple[int, FlowBatch]]:
    """Yield what so many records, or records of so many bytes, were merged into."""
    from topics.record import FLOW_DTYPE

    most = _amount(binning.argument)
    if binning.kind == "size":
        most = max(1, most // FLOW_DTYPE.itemsize)
    aggregation, room = _aggregation(parsed, binning.modes), most
    for batch in batches:
        start = 0
        while start < len(batch):
            part = batch.select(slice(start, start + room))
            aggregation.add(part)
            start, room = start + len(part), room - len(part)
            if not room:
                yield 0, aggregation.finish()
                room = most
    if room < most:
        yield 0, aggregation.finish()


def _amount(text: str) -> int:
    digits, suffix = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    if not digits.isdecimal() or suffix not in {"", *SUFFIXES} or not int(digits):
        raise UsageError(f"'{text}' is no size of a bin; write 1000, 10k or 5m")
    return int(digits) * SUFFIXES.get(suffix, 1)


def _aggregation(parsed: Parsed, modes: set[str]) -> Aggregation | FieldAggregation:
    from processors.merge.by_fields import aggregation

    return aggregation(
        ["none"] if "nomerge" in modes else parsed.words("-m"),
        preserve="nopreserve" not in modes,
        correct="nocorrect" not in modes,
        aggregates="norep" not in modes,
        rmon="rmon" in modes,
        capacity=CAPACITY,
    )


def _by_name(parsed: Parsed, bins: Iterator[tuple[int, pl.DataFrame]]) -> int:
    """Write each bin to the file whose name strftime makes of its start; bins of one name together."""
    from pathlib import Path

    from clients.writing.outputs import destinations

    count, name, stack = 0, "", ExitStack()
    (pattern, text), *others = destinations(parsed.words("-w"))
    if others or text:
        raise UsageError("option -w: a name with % stands alone")
    with stack:
        output: Outputs | None = None
        for start, frame in bins:
            wanted = time.strftime(pattern, time.localtime(start // 1_000_000_000))
            if output is None or wanted != name:
                stack.close()
                Path(wanted).parent.mkdir(parents=True, exist_ok=True)
                name, output = wanted, stack.enter_context(Outputs.to(wanted))
            output.write_frame(frame)
            count += frame.height
    return count
