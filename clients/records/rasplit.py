"""`argosy rasplit` and `argosy rastream`: records into files by time, count, size or filter, by values of fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option, parse
from clients.reading import inquiry
from clients.reading.selection import Selection, selection
from clients.reading.sources import Source, to_batch
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clients.options import Parsed
    from sinks.files import FileSink
    from sinks.files.cutting import Cutting
    from sinks.files.programs import Program
    from topics.batch import FlowBatch

USAGE = "argosy rasplit -r FILE... | -R DIR... | -S kafka://HOST/TOPIC -M time 5m -w PATTERN [OPTIONS] [- FILTER]"
SUMMARY = """\
Writes the records that a filter selects into files by time, count, size, or up to a record that another filter selects.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
STREAM_USAGE = USAGE.replace("rasplit", "rastream")
STREAM_SUMMARY = """\
Does what rasplit does with records as they come, and runs a program on each file when it is closed.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
PATTERN, PREFIX, HOLD = "%Y.%m.%d.%H.%M.%S", "x", "7m"
INPUT = tuple(option for option in inquiry.INPUT if "-F" not in option.spellings)
OPTIONS = (
    *INPUT,
    Option("-w", "PATTERN", "names of files: strftime in UTC (only with time), $srcid, $saddr or any other field,\n"
                            ".parquet, .avro, .jsonl or .csv at the end\n"
                            f"(default {PATTERN}; {PREFIX}aa, {PREFIX}ab, ... without time)"),
    Option("-M", "CUT...", "time 5m: files of five minutes, records cut at their edges; count 10000;\n"
                           "size 100M (a little more); flow FILTER: its record is the last of a file;\n"
                           "nomodify: no record is cut; TZ=ZONE"),
    Option("-a", "COUNT", "letters at the end of names, without time (2)"),
)  # fmt: skip
STREAM = (
    *OPTIONS,
    Option("-B", "TIME", f"hold files so long open for records that come late (default {HOLD})"),
    Option("-f", "PROGRAM", "run PROGRAM -r FILE when a file was closed"),
)
CUTS, TAKEN = ("time", "count", "size", "flow"), "time 5m, count 10000, size 100M or flow FILTER"


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return _run(arguments, OPTIONS, USAGE, SUMMARY)


def run_stream(arguments: list[str]) -> int:
    """Run `argosy rastream`, likewise."""
    return _run(arguments, STREAM, STREAM_USAGE, STREAM_SUMMARY)


def _run(arguments: list[str], options: Sequence[Option], usage: str, summary: str) -> int:
    amounts = parse(options, arguments).words("-M")  # 5m, 100M, a filter: no words of a list
    return run_client(arguments, options, usage, summary, lambda parsed, _: _split(parsed), amounts)


def _split(parsed: Parsed) -> int:
    from clients.sink.files import split_pattern
    from sinks.files import FileSink
    from sinks.files.programs import Program

    cutting, whole, program = _cutting(parsed), "nomodify" in parsed.words("-M"), parsed.word("-f")
    pattern = parsed.word("-w") or (PATTERN if cutting.seconds else PREFIX)
    if not cutting.seconds and "%" in pattern:
        raise UsageError(f"option -w: '{pattern}' names files by time, which takes -M time 5m")
    directory, name = split_pattern(pattern)
    source = Source(parsed)
    ran: Program | None = Program((program, "-r")) if program else None
    sink = FileSink(
        Path(directory),
        pattern=name,
        cutting=cutting,
        letters=0 if cutting.seconds else parsed.number("-a", 2, minimum=1),
        grace=_hold(parsed),
        program=ran,
    )
    try:
        selected = _write(sink, _pieces(parsed, source, 0 if whole else cutting.seconds), streams="-f" in parsed.given)
        sink.close()
    except BaseException:
        sink.abort()
        raise
    return 0 if selected else inquiry.NO_MATCH


def _write(sink: FileSink, batches: Iterator[FlowBatch], *, streams: bool) -> int:
    from topics.batch import start_times

    selected = 0
    for batch in batches:
        selected += len(batch)
        sink.write(batch)
        if streams and len(batch):
            sink.advance(int(start_times(batch.records).max()))
    return selected


def _pieces(parsed: Parsed, source: Source, seconds: int) -> Iterator[FlowBatch]:
    """Yield the records selected, cut at the edges of files of so many seconds, not at all for 0."""
    from processors.bins.edges import BinSize
    from processors.bins.split import split

    chosen, size = selection(parsed), BinSize(seconds * 1_000_000_000)
    frames = source.frames(Selection() if chosen.constant else chosen)
    for frame in inquiry.window(parsed).input.cut(frames):
        batch = to_batch(frame)
        yield split(batch, size)[0] if seconds else batch


def _cutting(parsed: Parsed) -> Cutting:
    from sinks.files.settings import output

    words = [word for word in parsed.words("-M") if word != "nomodify" and not word.startswith("TZ=")]
    found = dict(zip(words[::2], words[1::2], strict=False))
    unknown = next((word for word in words[::2] if word not in CUTS), None)
    if unknown is not None or len(words) % 2:
        raise UsageError(
            f"option -M takes time 5m, count 10000, size 100M or flow FILTER, not '{unknown or words[-1]}'"
        )
    if not found:
        raise UsageError(f"say how to cut: -M {TAKEN}")
    found["until"] = found.pop("flow", "")
    named = output(directory=".", name="%Y%m%d%H%M%S", **found)
    cutting = named.cutting
    return cutting if named.time else cutting.without_time()


def _hold(parsed: Parsed) -> int:
    from clients.sink.shared import seconds

    return int(seconds(parsed, "-B", HOLD))
