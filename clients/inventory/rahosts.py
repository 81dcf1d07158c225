"""`argosy rahosts`: who talked, with whom, from when to when. As Argus's rahosts, and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.command import run_client
from clients.inventory import table
from clients.options import Option

if TYPE_CHECKING:
    from clients.options import Parsed

USAGE = "argosy rahosts -r FILE... | -R DIR... [-M pairs src] [OPTIONS] [- FILTER]"
SUMMARY = """Lists the hosts that sent something, each with its peers, how much they talked, and when first and last.
Exit status: 0 when some host was found, 1 when none was, 2 after an error."""
OPTIONS = (
    *table.OPTIONS,
    Option(
        "-M",
        "MODE...",
        "pairs: a line for each host and peer; src: only sources of records, as Argus's rahosts;\njson, xml, TZ=ZONE",
    ),
)
MODES = ("pairs", "src")
FIELDS = (
    table.address("host", "Host"),
    table.count("peers", "Peers"),
    table.address("peer", "Peer"),
    table.count("records", "Records"),
    table.count("began", "Began"),
    table.count("sent_packets", "SentPkts"),
    table.count("got_packets", "GotPkts"),
    table.count("sent_bytes", "SentBytes"),
    table.count("got_bytes", "GotBytes"),
    table.moment("first", "First"),
    table.moment("last", "Last"),
    table.text("with", "With"),
)
FIGURES = ("records", "began", "sent_packets", "got_packets", "sent_bytes", "got_bytes", "first", "last")
BY_HOST = ("host", "peers", *FIGURES, "with")
BY_PAIR = ("host", "peer", *FIGURES)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when some host was found, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.inventories.hosts import columns, hosts, talks

    found = table.gathered(parsed, columns(), lambda pieces: talks(pieces, sources="src" in modes))
    pairs = "pairs" in modes
    rows = found.sort("host", "peer") if pairs else hosts(found)
    hidden = {"peers", "with"} if pairs else {"peer"}
    fields = [field for field in FIELDS if field.name not in hidden]
    return table.print_table(parsed, rows, fields, BY_PAIR if pairs else BY_HOST, "no hosts: no record was selected")
