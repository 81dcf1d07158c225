"""`argosy rascan`: who looked for open ports and for hosts, by the rules of alerts, with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.command import run_client
from clients.inventory import beside, table
from clients.options import Option
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.options import Parsed
    from processors.alerts.settings import Rule
    from processors.inventories.scans import Scan

USAGE = "argosy rascan -r FILE... | -R DIR... [--rules RULES...] [--over COUNT] [OPTIONS] [- FILTER]"
SUMMARY = """Lists who tried many ports of a host, or one port of many hosts, without success: which, when, how often,
what answered, and how to ask `argosy ra` for the records. Filters and thresholds are those of the rules of alerts, but
all of the time asked for counts at once, so that slow scans are found, too.
Exit status: 0 when some scan was found, 1 when none was, 2 after an error."""
OPTIONS = (
    *table.OPTIONS,
    Option("--rules", "RULES...", "files, directories of rules (docs/guides/alerts.md); those that come with argosy"),
    Option("--rule", "NAME...", "only these rules"),
    Option("--over", "COUNT", "found are those who tried more than so many, whatever the rules say"),
    Option("-M", "MODE...", "query: show how to ask for the records; json, xml, TZ=ZONE"),
)
FIELDS = (
    table.word("rule", "Rule"),
    table.word("scanner", "Scanner"),
    table.word("target", "Target"),
    table.count("tried", "Tried"),
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
    """Run the command; 0 when some scan was found, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, ("query",))


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.inventories.scans import Scan, together

    over = parsed.number("--over", 0, minimum=0) if parsed.word("--over") else None
    scans = [Scan(rule, over) for rule in _rules(parsed)]
    answers = _look(parsed, scans)
    found = together(scans, answers=answers)
    default = [field.name for field in FIELDS if field.name != "query" or modes & {"query", "json", "xml"}]
    return table.print_table(parsed, found, FIELDS, default, "no scans: nobody tried more than the rules allow")


def _rules(parsed: Parsed) -> Sequence[Rule]:
    from clients.alerts.chosen import rules_of
    from processors.inventories.scans import is_scan

    known = [rule for rule in rules_of(parsed.words("--rules")).rules if is_scan(rule)]
    wanted = parsed.words("--rule")
    for name in wanted:
        if name not in {rule.name for rule in known}:
            raise UsageError(f"there is no rule of scans '{name}', but {', '.join(rule.name for rule in known)}")
    return [rule for rule in known if not wanted or rule.name in wanted]


def _look(parsed: Parsed, scans: Sequence[Scan]) -> bool:
    """Look at the records, at files a second time for what answered the scanners; tell whether that was possible."""
    if not scans:
        raise UsageError("the rules name no scans: a threshold of distinct values, by saddr and others")
    columns = {name for scan in scans for name in scan.columns}
    for frame in table.selected(parsed, columns):
        for scan in scans:
            scan.add(frame)
    for scan in scans:
        scan.finish()
    again = beside.is_read_twice(parsed)
    for frame in table.selected(parsed, columns) if again else ():
        for scan in scans:
            scan.add_answers(frame)
    return again
