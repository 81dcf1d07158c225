"""`argosy alerts check`: are the rules right, and what do they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.alerts.chosen import rules_of
from clients.options import Option

if TYPE_CHECKING:
    from clients.options import Parsed

WHAT = "are the rules right"
USAGE = "[RULES...]"
SUMMARY = """\
Reads files of rules, or directories of them (without any: the starter set), and says what they hold. What is wrong is
told in a line with file, line and key; exit status 2."""
OPTIONS = (
    Option("-v", "", "explain each rule"),
    Option("-q", "", "say nothing when all is right"),
    Option("-h --help", "", "this text"),
)


def work(parsed: Parsed) -> int:
    """Run the command."""
    rules = rules_of(parsed.rest)
    if parsed.count("-q"):
        return 0
    for rule in rules.rules:
        off = "" if rule.enabled else " (not enabled)"
        print(f"{rule.name:<24} {rule.severity:<8} {rule.about:<8} {rule.kind:<10} by {' '.join(rule.fields)}{off}")
        if parsed.count("-v") and rule.explain:
            print("\n".join(f"    {line}" for line in rule.explain.strip().splitlines()))
    count, silences = len(rules.rules), len(rules.silences)
    print(f"{count} rule{'s' * (count != 1)} and {silences} silence{'s' * (silences != 1)}, all right")
    return 0
