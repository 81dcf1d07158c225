"""`argosy ralabel`: records with labels: countries, AS, networks, block lists, names, rules of one's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.writing.changing import put_changed
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed
    from processors.attribution import Attributor
    from processors.labels import Labeller
    from processors.names import NameTable
    from topics.batch import FlowBatch

USAGE = "argosy ralabel -f CONF [--names FILE...] [--events FILE...] -r FILE... | -R DIR... [OPTIONS] [- FILTER]"
SUMMARY = """\
Writes or prints records with labels: what lists and databases say of their addresses, ports and stations, and the name
that had led the client to the server. Labels that records have stay, but for keys that are said anew.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option("-f", "CONF", "which labels: YAML (docs/guides/labels.md), or a ralabel.conf as in Argus"),
    Option("--names", "FILE...", "name flows by what clients were told: .names and .dns files, captures, directories"),
    Option(
        "--events",
        "FILE...",
        "name processes, switch ports and alerts of flows: .events files, directories, alerts (EVE, .json)",
    ),
    Option(
        "-M",
        "MODE...",
        "debug.tree: print the networks of CONF's address lists as they lie in each other, and stop;\n"
        "addr, noprune: accepted, as by Argus's ralabel, where they change no label either;\n"
        "TZ=ZONE, json, xml, label=PATTERN",
    ),
)
TREE = "debug.tree"
MODES = (TREE, "addr", "noprune")


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    if TREE in modes:
        return _print_tree(parsed)
    labellers = _labellers(parsed)
    status = put_changed(parsed, lambda batch: _labelled(batch, labellers))
    _say_how_sure(labellers)
    return status


def _print_tree(parsed: Parsed) -> int:
    from processors.labels import Lists, read_label_settings
    from processors.labels.text import label_text

    path = parsed.word("-f")
    if path is None:
        raise UsageError(f"-M {TREE} wants a file of settings: -f CONF")
    for depth, network, facts in Lists(read_label_settings(path)).networks():
        print(f"{'   ' * depth}{network} {label_text(facts).decode()}")
    return 0


def _labelled(batch: FlowBatch, labellers: list[Labeller | Attributor]) -> list[FlowBatch]:
    batches = [batch]
    for labeller in labellers:
        batches = [labelled for each in batches for labelled in labeller.process(each)]
    return batches


def _labellers(parsed: Parsed) -> list[Labeller | Attributor]:
    from processors.labels import Labeller, Lists, NoLists, read_label_settings

    path, names, events = parsed.word("-f"), parsed.words("--names"), parsed.words("--events")
    if path is None and not names and not events:
        raise UsageError("say which labels: -f CONF, --names FILE or --events FILE")
    made: list[Labeller | Attributor] = []
    if path is not None or names:
        facts = NoLists() if path is None else Lists(read_label_settings(path))
        made.append(Labeller(facts, _table(names) if names else None))
    return [*made, _attributor(events)] if events else made


def _attributor(files: list[str]) -> Attributor:
    from clients.reading.event_files import events_of
    from processors.attribution import Attributor

    attributor = Attributor()
    for event in events_of(files):
        attributor.learn(event)
    return attributor


def _say_how_sure(labellers: list[Labeller | Attributor]) -> None:
    """Say of how many ends of flows the process is known, and of how many nobody saw it."""
    from processors.attribution import Attributor

    for labeller in labellers:
        if isinstance(labeller, Attributor) and labeller.counts:
            counts = ", ".join(f"{count} {sure}" for sure, count in sorted(labeller.counts.items()))
            print(f"argosy ralabel: processes of ends of flows: {counts}", file=sys.stderr)


def _table(files: list[str]) -> NameTable:
    from clients.reading.control_plane import names_of, under
    from processors.names import NameTable

    table = NameTable()
    for file in under(files, ".names"):
        for name in names_of(file):
            table.add(name)
    return table
