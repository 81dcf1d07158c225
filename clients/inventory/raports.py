"""`argosy raports`: services by host, those that are new and gone since a baseline. As Argus's raports, and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.command import run_client
from clients.inventory import beside, table
from clients.options import Option

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed

USAGE = "argosy raports -r FILE... | -R DIR... [-M src all hosts] [--baseline FILE...] [OPTIONS] [- FILTER]"
SUMMARY = """Lists the ports at which hosts answered, with how many clients, how much, and when first and last; with a
baseline, those that are new and those that are gone.
Exit status: 0 when some service was listed, 1 when none was, 2 after an error."""
OPTIONS = (
    *table.OPTIONS,
    *beside.OPTIONS,
    Option(
        "-M",
        "MODE...",
        "all: ports that did not answer, too, and with a baseline those that are in both;\n"
        "src: ports of the clients; hosts: a line for each host and protocol; json, xml, TZ=ZONE",
    ),
)
MODES = ("src", "dst", "all", "hosts")
FIELDS = (
    table.word("change", "Change"),
    table.address("host", "Host"),
    table.protocol(),
    table.port("port", "Port", "port"),
    table.word("state", "State"),
    table.count("clients", "Clients"),
    table.count("records", "Records"),
    table.count("answered", "Answered"),
    table.count("packets", "Pkts"),
    table.count("bytes", "Bytes"),
    table.moment("first", "First"),
    table.moment("last", "Last"),
)
HOSTS = (
    table.address("host", "Host"),
    table.protocol(),
    table.count("count", "Count"),
    table.count("records", "Records"),
    table.count("bytes", "Bytes"),
    table.moment("first", "First"),
    table.moment("last", "Last"),
    table.text("ports", "Ports"),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when some service was listed, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.inventories.services import KEPT, by_host, columns, compared

    def found(pieces: Iterator[pl.LazyFrame]) -> pl.DataFrame:
        return _services(pieces, modes)

    rows, is_compared = table.gathered(parsed, columns(), found), beside.is_asked(parsed)
    nothing = "no services: nothing that was selected answered at a port"
    if is_compared:
        rows = compared(rows, beside.baseline(parsed, columns(), found))
        rows = rows if "all" in modes else rows.remove(change=KEPT)
        nothing = "no service is new, none is gone"
    if "hosts" in modes:
        return table.print_table(parsed, by_host(rows), HOSTS, [field.name for field in HOSTS], nothing)
    fields = FIELDS if is_compared else FIELDS[1:]
    return table.print_table(parsed, rows, fields, [field.name for field in fields], nothing)


def _services(pieces: Iterator[pl.LazyFrame], modes: set[str]) -> pl.DataFrame:
    from processors.inventories.services import OPEN, services

    found = services(pieces, of_clients="src" in modes)
    return found if modes & {"all", "src"} else found.filter(state=OPEN)
