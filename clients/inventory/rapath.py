"""`argosy rapath`: the routers on the way, by the ICMP errors that traceroute and loops raise. As Argus's rapath."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.inventory import table
from clients.options import Option
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from clients.options import Parsed
    from processors.inventories.paths import PathKeys

USAGE = "argosy rapath -r FILE... | -R DIR... [-A] [-M MODE...] [-m KEY...] [OPTIONS] [- FILTER]"
SUMMARY = """Lists the routers that said of packets that their time was exceeded, hop by hop, with round trip times; -A
draws each path as a line. AS numbers come from labels (argosy ralabel).
Exit status: 0 when some path was found, 1 when none was, 2 after an error."""
OPTIONS = (
    *table.OPTIONS,
    Option("-A", "", "draw each path, with the list of its nodes below; with -q only the paths"),
    Option(
        "-M",
        "MODE...",
        "node: nodes as letters, those of one AS in brackets (default); asnode: its number before them;\n"
        "aspath: only the AS on the way, with dist and their hops; addr: addresses for letters; json, xml, TZ=ZONE",
    ),
    Option("-m", "KEY...", "paths between these: srcid, saddr, saddr/LEN, daddr, daddr/LEN (srcid saddr daddr)"),
)
MODES = ("node", "addr", "asnode", "aspath", "dist")
FIELDS = (
    table.word("name", "Node"),
    table.word("probe", "SrcId"),
    table.word("from", "SrcAddr"),
    table.word("dir", "Dir"),
    table.word("to", "DstAddr"),
    table.address("router", "Inode"),
    table.word("as", "AS"),
    table.count("hop", "sTtl"),
    table.fraction("mean", "Mean"),
    table.fraction("deviation", "StdDev"),
    table.fraction("max", "Max"),
    table.fraction("min", "Min"),
    table.count("count", "Trans"),
)
SHOWN = ("probe", "from", "dir", "to", "router", "hop", "mean", "deviation", "max", "min", "count")
_KEY = re.compile(r"(?P<name>srcid|saddr|daddr)(?:/(?P<bits>\d{1,3}))?")
WHOLE = 128
NOTHING = "no paths: no record tells of an ICMP error for exceeded time"


def run(arguments: list[str]) -> int:
    """Run the command; 0 when some path was found, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.inventories.paths import columns, is_wanted, named, paths

    if len(modes & {"node", "asnode", "aspath"}) > 1:
        raise UsageError("option -M takes one of node, asnode and aspath")
    keys = _keys(parsed.words("-m"))
    if not parsed.word("-p"):
        parsed.given["-p"] = ["6"]
    found = named(_with_ends(paths(table.sparse(parsed, columns(), is_wanted()), keys), keys))
    if not parsed.count("-A") or not found.height:
        return table.print_table(parsed, found, FIELDS, SHOWN, NOTHING)
    for path in found.partition_by("probe", "from", "to", maintain_order=True):
        _draw(path, modes)
        if not parsed.count("-q"):
            table.print_table(parsed, path, FIELDS, ("name", *SHOWN), NOTHING)
            print()
    return 0


def _draw(path: pl.DataFrame, modes: set[str]) -> None:
    from processors.inventories.paths import drawn, nodes_of

    mode = next(iter(modes & {"node", "asnode", "aspath"}), "node")
    probe, source, target = path.select("probe", "from", "to").row(0)
    line = drawn(nodes_of(path, addresses="addr" in modes), mode, distances="dist" in modes)
    print(f"{probe}({source}::{target}) {line}", flush=True)


def _keys(words: Sequence[str]) -> PathKeys:
    from processors.inventories.paths import PathKeys

    if not words:
        return PathKeys()
    bits = {}
    for word in (part for each in words for part in each.split(",")):
        said = _KEY.fullmatch(word)
        if said is None or int(said["bits"] or 0) > WHOLE or (said["name"] == "srcid" and said["bits"]):
            raise UsageError(f"option -m takes srcid, saddr, saddr/LEN, daddr, daddr/LEN, not '{word}'")
        bits[said["name"]] = int(said["bits"] or WHOLE)
    return PathKeys(bits.get("saddr", WHOLE), bits.get("daddr", WHOLE))


def _with_ends(found: pl.DataFrame, keys: PathKeys) -> pl.DataFrame:
    """Add the ends of paths as text, networks with their length, and the direction."""
    import polars as pl

    from topics.address_columns import ip_column

    def text(name: str, bits: int) -> pl.Expr:
        address = ip_column(pl.col(name))
        return address if bits >= WHOLE else pl.concat_str(address, pl.lit(f"/{bits}"))

    ends = {"from": text("source", keys.source_bits), "to": text("target", keys.target_bits), "dir": pl.lit("->")}
    return found.with_columns(value.alias(name) for name, value in ends.items())
