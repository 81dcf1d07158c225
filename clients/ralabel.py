"""`argosy ralabel`: records with labels: countries, AS, networks, block lists, names, rules of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients import reading
from clients.command import run_client
from clients.options import Option
from clients.outputs import Outputs
from clients.selection import selection
from clients.sources import Source, to_batch, to_frame
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed
    from processors.labels import Labeller
    from processors.names import NameTable

USAGE = "argosy ralabel -f CONF [--names FILE...] -r FILE... | -R DIR... [OPTIONS] [- FILTER]"
SUMMARY = """\
Writes or prints records with labels: what lists and databases say of their addresses, ports and stations, and the name
that had led the client to the server. Labels that records have stay, but for keys that are said anew.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *reading.OPTIONS,
    reading.REJECTED,
    Option("-f", "CONF", "which labels: YAML (docs/labels.md), or a ralabel.conf as in Argus"),
    Option("--names", "FILE...", "name flows by what clients were told: .names and .dns files, captures, directories"),
    Option("-M", "MODE...", "TZ=ZONE, json, xml, label=PATTERN"),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    source, outputs, labeller = Source(parsed), Outputs(parsed), _labeller(parsed)
    rejected = outputs.reject if outputs.wants_rejects else None
    with outputs:
        frames = reading.window(parsed).input.cut(source.frames(selection(parsed), None, rejected=rejected))
        selected = reading.put(parsed, outputs, _labelled(frames, labeller))
    return 0 if selected else reading.NO_MATCH


def _labelled(frames: Iterator[pl.DataFrame], labeller: Labeller) -> Iterator[pl.DataFrame]:
    for frame in frames:
        for batch in labeller.process(to_batch(frame)):
            yield to_frame(batch)


def _labeller(parsed: Parsed) -> Labeller:
    from processors.labels import Labeller, Lists, NoLists, read_label_settings

    path, names = parsed.word("-f"), parsed.words("--names")
    if path is None and not names:
        raise UsageError("say which labels: -f CONF or --names FILE")
    facts = NoLists() if path is None else Lists(read_label_settings(path))
    return Labeller(facts, _table(names) if names else None)


def _table(files: list[str]) -> NameTable:
    from clients.control_plane import names_of, under
    from processors.names import NameTable

    table = NameTable()
    for file in under(files, ".names"):
        for name in names_of(file):
            table.add(name)
    return table
