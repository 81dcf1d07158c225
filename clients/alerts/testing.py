"""`argosy alerts test`: what rules would have found in the past."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.alerts.chosen import rules_of
from clients.alerts.shown import print_alerts
from clients.options import Option
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed
    from processors.alerts import Alerts
    from topics.alerts import Alert

WHAT = "what would rules have found in the past"
USAGE = "RULES... -r FILE... | -R DIR... [OPTIONS]"
SUMMARY = """\
Evaluates rules over records that are kept: files and directories as ra reads them, and .dns files below these.
Merged flows count at their first packet. Exit status: 0 when something was found, 1 when not, 2 after an error."""
OPTIONS = (
    Option("-r", "FILE...", "files of records, databases; .dns files; - is standard input"),
    Option("-R", "DIR...", "all files of records and .dns files in directories"),
    Option("-t", "RANGE", "only records of this time, as ra takes it"),
    Option("--rule", "NAME...", "only these rules"),
    Option("--severity", "LEAST", "only alerts at least so bad: info, low, medium, high, critical"),
    Option("--resolved", "", "list when alerts are resolved, too"),
    Option("-M", "MODE...", "json: an object a line; query: how to ask for the records"),
    Option("-h --help", "", "this text"),
)
NO_MATCH = 1
DNS_SUFFIX = ".dns"


def work(parsed: Parsed) -> int:
    """Run the command."""
    from processors.alerts import Alerts

    rules = rules_of(parsed.rest)
    named = set(parsed.words("--rule"))
    unknown = named - {rule.name for rule in rules.rules}
    if unknown:
        raise UsageError(f"there is no rule '{min(unknown)}' in {' '.join(parsed.rest) or 'the starter set'}")
    alerts = Alerts([rule for rule in rules.rules if not named or rule.name in named], rules.silences)
    found = _found(parsed, alerts)
    count = print_alerts(parsed, found, resolved=bool(parsed.count("--resolved")))
    counts = alerts.counts()
    for name, text in (("silenced", "silenced"), ("evicted", "entries of memories made room")):
        if counts[name]:
            print(f"argosy alerts test: {counts[name]} {text}", file=sys.stderr)
    return 0 if count else NO_MATCH


def _found(parsed: Parsed, alerts: Alerts) -> list[Alert]:
    from pathlib import Path

    from clients.reading.selection import selection
    from clients.reading.sources import Source, to_batch

    found: list[Alert] = []
    dns = [name for name in parsed.words("-r") if name.endswith(DNS_SUFFIX)]
    dns += [str(path) for place in parsed.words("-R") for path in sorted(Path(place).rglob(f"*{DNS_SUFFIX}"))]
    parsed.given["-r"] = [name for name in parsed.words("-r") if name not in dns]
    if not dns or parsed.words("-r") or parsed.words("-R"):
        for frame in Source(parsed).frames(selection(parsed, "")):
            alerts.process(to_batch(frame))
            found += alerts.advance(0)  # lets go what there is no room for
    if "dns" in alerts.inputs:
        _take_dns(dns, alerts)
    return sorted([*found, *alerts.flush()], key=lambda alert: (alert.time, alert.rule, alert.about))


def _take_dns(names: list[str], alerts: Alerts) -> None:
    from processors.alerts.tables import dns_table
    from sinks.formats.findings import read_dns

    for name in names:
        for batch in read_dns(name):
            alerts.process_table("dns", dns_table(batch))
