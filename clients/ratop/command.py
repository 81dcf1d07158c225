"""`argosy ratop`: what it reads, and the screen that shows it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.source_names import DASH, SCHEME, paths
from clients.reading.sources import Source, to_batch
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.options import Parsed
    from clients.ratop.app import Top
    from topics.batch import FlowBatch

USAGE = "argosy ratop -S kafka://HOST/TOPIC | -r FILE... [-M realtime[:FACTOR]] [-m KEY...] [OPTIONS] [- FILTER]"
SUMMARY = """Shows flows as they are: merged by a key, sorted, with bit/s and packets/s over a sliding window, until
they are idle. Files are read as fast as they can be, or replayed; what a probe says comes through a pipe, live.
Keys: / filter, s sort, g group, f fields, enter looks into a flow, space pauses, ? tells all of them, q quits."""
OPTIONS = (
    *(option for option in inquiry.INPUT if option.names != "-N"),
    *(option for option in inquiry.PRINTED if option.spellings[0] in {"-s", "-n", "-u", "-p", "-H", "-z", "-Z"}),
    Option("-m", "KEY...", "group by these fields, as racluster does; the conversation without any"),
    Option("-P", "FIELD", "sort by this field (wload: bit/s within the window; bytes of files)"),
    Option("-M", "MODE...", "realtime: files as they happened, realtime:10 ten times as fast; TZ=ZONE"),
    Option("--window", "SECONDS", "what bit/s and packets/s are taken over (10)"),
    Option("--idle", "SECONDS", "flows leave so long after their last packet (60; of files never, unless replayed)"),
    Option(
        "--events",
        "FILE...",
        "events told of the hosts of a flow that is looked into: files, directories, or\n"
        "kafka://HOST/argosy.events.v1, from an hour ago on; those in directories of -R anyway",
    ),
    Option("--period", "SECONDS", "how often the screen changes (0.5)"),
)
EVER = 1 << 62
KEYBOARD = "/dev/tty"
PACE = re.compile(r"^r(?:eal)?time:(.*)$")


def run(arguments: list[str]) -> int:
    """Run the command until the user leaves."""
    return run_client(with_pace(arguments), OPTIONS, USAGE, SUMMARY, _run, ("realtime",))


def with_pace(arguments: list[str]) -> list[str]:
    """Write the modes `realtime:10` and `rtime:10` as other clients write theirs: `realtime=10`."""
    return [PACE.sub(r"realtime=\1", word) for word in arguments]


def _run(parsed: Parsed, _: set[str]) -> int:
    app = screen(parsed)
    if not sys.stderr.isatty():  # where Textual draws
        raise UsageError("ratop draws on a terminal, and standard error is none")
    if DASH in paths(parsed):
        _keyboard_instead_of_pipe()
    app.run()
    return 0


def screen(parsed: Parsed) -> Top:
    """Return what shows the records that the command line asks for."""
    from clients.ratop.app import Top
    from clients.ratop.feed import Feed
    from clients.ratop.told import ToldOfHosts
    from clients.ratop.view import View, seconds
    from processors.activity import ActiveFlows

    pace, source = _pace(parsed), Source(parsed)
    live = bool(pace) or any(name == DASH or name.startswith(SCHEME) for name in source.names)
    view = View(tuple(parsed.words("-s")), inquiry.style(parsed))
    view = view.sorted_by(parsed.word("-P") or (view.sort if live else "bytes"))
    keys = tuple(part for word in parsed.words("-m") for part in word.split(","))
    view.with_keys(keys)
    idle = parsed.word("--idle")
    flows = ActiveFlows(
        keys,
        window=seconds(parsed.word("--window") or "10"),
        idle=seconds(idle) if idle else seconds("60") if live else EVER,
    )
    feed = Feed(_batches(parsed, source), pace)
    told = ToldOfHosts([*parsed.words("--events"), *_events_below(parsed.words("-R"))])
    return Top(feed, flows, view, keys, seconds(parsed.word("--period") or "0.5") / 1e9, told)


def _events_below(directories: list[str]) -> list[str]:
    """Return the directories that hold events, too."""
    from sinks.formats.events import SUFFIX

    return [name for name in directories if any(Path(name).rglob(f"*{SUFFIX}"))]


def _batches(parsed: Parsed, source: Source) -> Iterator[FlowBatch]:
    chosen = selection(parsed)
    if chosen.constant:
        yield from source.batches()
        return
    for frame in source.frames(chosen):
        yield to_batch(frame)


def _pace(parsed: Parsed) -> float:
    word = next((word for word in parsed.words("-M") if word.partition("=")[0] == "realtime"), None)
    if word is None:
        return 0.0
    try:
        factor = float(word.partition("=")[2] or 1)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1e6:
        raise UsageError("option -M: how many times as fast as it happened? realtime:10")
    return factor


def _keyboard_instead_of_pipe() -> None:
    """Read keys from the terminal, and the records from what standard input was; raises UsageError without one."""
    try:
        keyboard = os.open(KEYBOARD, os.O_RDWR)
    except OSError:
        raise UsageError("ratop takes keys from a terminal, and there is none") from None
    sys.stdin = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(keyboard, 0)
    os.close(keyboard)
