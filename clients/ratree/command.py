"""`argosy ratree`: what is linked, by which fields and weight, and what it is written as."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.pictures.numbers import parsed as parsed_number
from clients.pictures.paper import KINDS, SIZES
from clients.ratree.formats import FORMATS
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from topics.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from clients.options import Parsed
    from processors.graphs import Graph, LinkTable

USAGE = "argosy ratree [-m FIELD FIELD...] [-w GRAPH] -r FILE... [OPTIONS] [- FILTER]"
SUMMARY = """Draws who talks with whom, or writes it for other programs: nodes are the values of fields, edges link
those of a record, as heavy as its bytes. Three fields, as saddr dport daddr, make chains.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *(option for option in inquiry.INPUT if option.names != "-N"),
    Option("-m", "FIELD FIELD...", "what nodes are: two fields or more (saddr daddr); saddr dport, sco dco, ..."),
    Option("-w", "GRAPH", ".svg, .png, .pdf: a picture; .dot, .gv, .graphml, .json; DOT is printed without it"),
    Option("--weight", "FIELD", "what edges weigh: bytes, pkts, appbytes, or records (bytes)"),
    Option("--edges", "COUNT", "keep the heaviest edges (pictures 60, others all)"),
    Option("--least", "WEIGHT", "keep edges from this weight up: 10k, 1M"),
    Option(
        "--colour --color",
        "NAME",
        "what nodes are coloured by: loc (locality by labels, else private addresses and others), or\n"
        "a label of both sides: co, as, grp, process, ... (loc)",
    ),
    Option("-M", "MODE...", "TZ=ZONE; label=PATTERN"),
    Option("-n", "", "numbers for ports; -nn for protocols too; -nnn names of hosts"),
    Option("--title", "TEXT", "a title"),
    Option("--width", "PIXELS", "of the picture (900)"),
    Option("--height", "PIXELS", "of the picture (620)"),
)
DRAWN = 60  # edges
MOST_DRAWN = 2000
COUNTED = {"bytes": "B", "sbytes": "B", "dbytes": "B", "appbytes": "B", "sappbytes": "B", "dappbytes": "B"}
PACKETS = {"pkts", "spkts", "dpkts", "loss", "sloss", "dloss", "retrans", "sretrans", "dretrans"}
RECORDS = "records"


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    target = parsed.word("-w") or "-"
    kind = "dot" if target == "-" else Path(target).suffix.removeprefix(".").lower()
    if kind not in {*FORMATS, *KINDS}:
        raise UsageError(f"{target}: graphs are {', '.join(f'.{name}' for name in (*KINDS, *FORMATS))}")
    weight, least = parsed.word("--weight") or "bytes", _least(parsed)
    edges = parsed.number("--edges", DRAWN, minimum=1) if kind in KINDS or parsed.word("--edges") else None
    size = (_side(parsed, "--width", 900), _side(parsed, "--height", 620))
    if kind in KINDS and edges is not None and edges > MOST_DRAWN:
        raise UsageError(f"a picture of more than {MOST_DRAWN} edges shows nothing: --edges 100, or .dot")
    table = _table(parsed, weight)
    selected = 0
    for frame in Source(parsed).frames(selection(parsed), table.columns | inquiry.JUST_COUNTED):
        selected += frame.height
        table.add(frame)
    if not selected:
        return inquiry.NO_MATCH
    _put(table.graph().pruned(edges, least), kind, target, weight, parsed.word("--title") or "", size)
    return 0


def _side(parsed: Parsed, name: str, default: int) -> int:
    pixels = parsed.number(name, default, minimum=100)
    if pixels > SIZES[-1]:
        raise UsageError(f"a picture has at most {SIZES[-1]} pixels each way")
    return pixels


def _least(parsed: Parsed) -> float:
    text = parsed.word("--least")
    value = parsed_number(text) if text is not None else 0.0
    if value is None:
        raise UsageError(f"option --least takes a number such as 1500 or 10M, not '{text}'")
    return value


def _table(parsed: Parsed, weight: str) -> LinkTable:
    from clients.ratree.nodes import by, text
    from processors.graphs import LinkTable

    names = [part for word in parsed.words("-m") for part in word.split(",")] or ["saddr", "daddr"]
    if len(names) < 2:
        raise UsageError("option -m takes two fields or more: -m saddr daddr")
    style = inquiry.style(parsed)
    groups = {
        place: group
        for place, name in enumerate(names)
        if (group := by(parsed.word("--colour") or "loc", name, style)) is not None
    }
    return LinkTable([text(name, style) for name in names], groups, _weight(weight))


def _weight(name: str) -> pl.Expr:
    import polars as pl

    from topics.fields import field

    if name == RECORDS:
        return pl.col("src_packets") * 0 + 1
    if name not in COUNTED and name not in PACKETS:
        raise UsageError(f"'{name}' does not add up over records; take bytes, pkts, appbytes, loss or records")
    return field(name).value().fill_null(0)


def _put(graph: Graph, kind: str, target: str, weight: str, title: str, size: tuple[int, int]) -> None:
    if kind in KINDS:
        from clients.pictures import paper
        from clients.ratree.drawing import draw, heading

        unit = COUNTED.get(weight, RECORDS if weight == RECORDS else "packets")
        paper.save(draw(graph, title, heading(graph, weight, unit), size), target)
        return
    made = FORMATS[kind](graph, weight)
    if target == "-":
        sys.stdout.write(made)
    else:
        Path(target).write_text(made, encoding="utf-8")
