"""`argosy rafilteraddr`: records whose addresses are in a list, however long. As Argus's rafilteraddr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import Selection, selection
from clients.reading.sources import Source
from clients.writing.outputs import Outputs
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed

USAGE = "argosy rafilteraddr -f LIST [-v] -r FILE... | -R DIR... [OPTIONS] [- FILTER]"
SUMMARY = """Prints or writes the records one of whose addresses is in a list: addresses, networks (10.0.0.0/8) and
ranges (10.0.0.1-10.0.0.9), one a line, # begins a comment.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option("-f", "LIST", "the file with the addresses"),
    Option("-v", "", "the records of which no address is in the list"),
    Option("-m", "FIELD...", "look only at these: saddr, daddr, inode (saddr daddr)"),
    Option("-M", "MODE...", "TZ=ZONE, json, xml, label=PATTERN, printer=KIND"),
)
DIRECTIONS = {"saddr": "src", "daddr": "dst", "inode": "router"}


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    source, outputs = Source(parsed), Outputs(parsed)
    chosen = _listed(parsed, selection(parsed))
    with outputs:
        selected = inquiry.put(parsed, outputs, _frames(parsed, source, chosen, outputs))
    return 0 if selected else inquiry.NO_MATCH


def _frames(parsed: Parsed, source: Source, chosen: Selection, outputs: Outputs) -> Iterator[pl.DataFrame]:
    rejected = outputs.reject if outputs.wants_rejects else None
    columns = None if outputs.any else inquiry.printer(parsed).columns
    return inquiry.window(parsed).input.cut(source.frames(chosen, columns, rejected=rejected))


def _listed(parsed: Parsed, chosen: Selection) -> Selection:
    """Return the selection with the condition that an address is in the list."""
    from topics.expression import any_of
    from topics.expression.polars import polars
    from topics.filter import tree
    from topics.filter.compiler import expression
    from topics.filter.lists import read_networks

    path = parsed.word("-f")
    if path is None:
        raise UsageError("say which addresses: -f LIST")
    networks = read_networks(path)
    names = parsed.words("-m") or ["saddr", "daddr"]
    unknown = [name for name in names if name not in DIRECTIONS]
    if unknown:
        raise UsageError(f"option -m takes {', '.join(DIRECTIONS)}, not '{unknown[0]}'")
    conditions = [expression(tree.AddressListed(DIRECTIONS[name], networks)) for name in names]  # type: ignore[arg-type]  # the directions it names
    listed = any_of(conditions)
    inside = polars(~listed if parsed.count("-v") else listed)
    return Selection(inside if chosen.wanted is None else chosen.wanted & inside, chosen.times)
