"""`argosy observers`: the conversations that several probes saw, each counted once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source, to_batch, to_frame
from clients.telemetry.options import OPTIONS as SERVICE
from clients.writing.outputs import Outputs
from topics.definitions import DEAD_LETTERS, FLOWS, OBSERVATIONS
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed
    from processors.observers import ObserverMatch, ObserverSettings
    from topics.batch import FlowBatch

USAGE = """argosy observers -r FILE... | -R DIR... [OPTIONS] [- FILTER]
       argosy observers --bus kafka://HOST:PORT [OPTIONS]"""
SUMMARY = """Merges the records of each probe into flows, matches those that are one conversation, and prints or writes
all of them, marked: the filter word `primary` leaves each conversation once (docs/guides/observers.md). A filter comes
first. With --bus it does so with the flows that workers put out, until SIGTERM or Ctrl-C; those of a group share them.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
GROUP = "argosy-observers"
OPTIONS = (
    *inquiry.OPTIONS,
    Option("--tolerance", "SECONDS", "how far apart the clocks of probes may be (default 5)"),
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT]; read flows there and put them out again, matched"),
    Option("--group", "NAME", f"consumer group to join (default {GROUP})"),
    Option("--input", "TOPIC", f"topic of flows (default {FLOWS.name})"),
    Option("--output", "TOPIC", f"topic of matched flows (default {OBSERVATIONS.name})"),
    Option("--dead-letters", "TOPIC", f"topic of what cannot be read (default {DEAD_LETTERS.name})"),
    *SERVICE,
)
SHOWN = ("stime", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "srcid", "observation", "cor", "dlstime")


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def settings(parsed: Parsed) -> ObserverSettings:
    """Return what the options say about matching; raises UsageError."""
    from processors.observers import ObserverSettings

    text = parsed.word("--tolerance")
    try:
        return ObserverSettings() if text is None else ObserverSettings(tolerance=float(text))
    except ValueError:
        raise UsageError(f"option --tolerance takes seconds, not '{text}'") from None


def _run(parsed: Parsed, _: set[str]) -> int:
    if parsed.word("--bus"):
        return _work(parsed)
    from processors.observers import ObserverMatch

    match, totals, outputs = ObserverMatch(settings(parsed)), inquiry.totals(parsed), Outputs(parsed)

    def frames() -> Iterator[pl.DataFrame]:
        for batch in _matched(parsed, match):
            frame = to_frame(batch)
            if totals is not None:
                totals.add(frame)
            yield frame

    with outputs:
        cut = inquiry.window(parsed).output.cut(frames())
        selected = _written(outputs, cut) if outputs.any else inquiry.print_all(parsed, cut, SHOWN)
    if totals is not None:
        print(totals.text(), file=sys.stderr if outputs.pipes else sys.stdout)
    return 0 if selected else inquiry.NO_MATCH


def _work(parsed: Parsed) -> int:
    from clients.telemetry.consumers import of_worker
    from clients.telemetry.service import service
    from processors.engine.faust_worker import run_worker
    from processors.engine.settings import WorkerSettings
    from processors.engine.state import StateKeeper

    own = WorkerSettings(
        url=parsed.word("--bus") or "",
        group=parsed.word("--group") or GROUP,
        input_topic=parsed.word("--input") or FLOWS.name,
        output_topic=parsed.word("--output") or OBSERVATIONS.name,
        dead_letters_topic=parsed.word("--dead-letters") or DEAD_LETTERS.name,
        observers=settings(parsed),
    )
    keeper = StateKeeper()
    with service(parsed, "observers", lambda: of_worker(keeper.state)):
        run_worker(own, keeper)
    return 0


def _written(outputs: Outputs, frames: Iterator[pl.DataFrame]) -> int:
    count = 0
    for frame in frames:
        count += frame.height
        outputs.write_frame(frame)
    return count


def _matched(parsed: Parsed, match: ObserverMatch) -> Iterator[FlowBatch]:
    """Yield the flows of all probes, once all records are read: another file may hold what else was seen of them."""
    from processors.merge import FlowMerge

    merge = FlowMerge()
    for frame in inquiry.window(parsed).input.cut(Source(parsed).frames(selection(parsed))):
        for batch in _by_observer(to_batch(frame)):
            for flows in merge.process(batch):
                match.process(flows)
    for flows in merge.flush():
        match.process(flows)
    yield from match.flush()


def _by_observer(batch: FlowBatch) -> Iterator[FlowBatch]:
    """Cut a batch by observation point: to the merge each is a source of its own."""
    for number, point in batch.observers.items():
        mine = batch.records["observer"] == number
        yield batch.select(mine).replace(site=point.site, probe=point.probe, boot_id=number)
