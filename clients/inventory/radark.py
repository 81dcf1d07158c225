"""`argosy radark`: who sent to addresses of a network that nobody has. As Argus's radark."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from clients.command import run_client
from clients.inventory import table
from clients.options import Option
from topics.errors import UsageError

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from clients.options import Parsed
    from processors.alerts.settings import Rule

USAGE = "argosy radark -r FILE... | -R DIR... [-l NET...] [--over COUNT] [OPTIONS] [- FILTER]"
SUMMARY = """Lists who sent to dark addresses: those of the networks of -l from which nothing was heard at all.
Exit status: 0 when somebody was found, 1 when nobody was, 2 after an error."""
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
RULE = "dark-addresses"
OPTIONS = (
    *table.OPTIONS,
    Option("-l", "NET...", f"the networks of ours: addresses or NET/LEN ({' '.join(PRIVATE)})"),
    Option("--over", "COUNT", "found are those who sent to more than so many dark addresses (0)"),
    Option(
        "-M", "MODE...", "outside: only who is not of the networks, as Argus's radark; query: show how to ask for\n"
        "the records; json, xml, TZ=ZONE",
    ),
)  # fmt: skip
FIELDS = (
    table.address("scanner", "Scanner"),
    table.count("dark", "Dark"),
    table.count("hosts", "Hosts"),
    table.count("answered", "Answered"),
    table.count("records", "Records"),
    table.count("packets", "Pkts"),
    table.count("bytes", "Bytes"),
    table.moment("first", "First"),
    table.moment("last", "Last"),
    table.text("which", "Which"),
    table.text("query", "Query"),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when somebody was found, 1 when nobody was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, ("outside", "query"))


def _run(parsed: Parsed, modes: set[str]) -> int:
    import polars as pl

    from clients.alerts.chosen import rules_of
    from processors.inventories.dark import columns, dark

    rule = next(rule for rule in rules_of([]).rules if rule.name == RULE)
    networks = [_network(text) for text in parsed.words("-l") or PRIVATE]
    touched = table.gathered(
        parsed, columns(rule.match), lambda pieces: dark(pieces, rule.match, networks, outside="outside" in modes)
    )
    found = touched.filter(pl.col("dark") > parsed.number("--over", 0, minimum=0))
    default = [field.name for field in FIELDS if field.name != "query" or modes & {"query", "json", "xml"}]
    queries = pl.Series("query", [_query(rule, row) for row in found.iter_rows(named=True)], pl.String)
    nothing = f"nobody sent to dark addresses of {', '.join(map(str, networks))}"
    return table.print_table(parsed, found.with_columns(queries), FIELDS, default, nothing)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"option -l takes addresses and networks as 10.0.0.0/8, not '{text}'") from None


def _query(rule: Rule, row: dict[str, Any]) -> str:
    from processors.alerts.hits import Evidence
    from processors.alerts.wording import query
    from processors.inventories.scans import nanoseconds
    from topics.address_text import ip_text

    found = Evidence(first=nanoseconds(row["first"]), last=nanoseconds(row["last"]))
    return query(rule, (("saddr", ip_text(row["scanner"])),), found)
