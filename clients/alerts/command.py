"""Which of the things one does with alerts was asked for."""

from __future__ import annotations

from clients.alerts import checking, listing, running, testing
from clients.environment import parse_service
from clients.options import help_in_parts, parse_or_help
from topics.errors import UsageError
from topics.nearest import suggestion

KINDS = {"check": checking, "test": testing, "list": listing, "run": running}
USAGE = f"argosy alerts {'|'.join(KINDS)} [OPTIONS]"
SUMMARY = """\
Rules about flows, DNS and probes (docs/guides/alerts.md). The word `starter` means the rules that come with argosy.
argosy alerts KIND --help says more of each."""


def run(arguments: list[str]) -> int:
    """Run the command."""
    kind, *rest = arguments or [""]
    if kind in {"-h", "--help"}:
        print(help_in_parts(USAGE, SUMMARY, {f"{name}: {each.WHAT}": each.OPTIONS for name, each in KINDS.items()}))
        return 0
    if kind not in KINDS:
        raise UsageError(f"say check, test, list or run, not '{kind}'{suggestion(kind, KINDS)}" if kind else USAGE)
    chosen = KINDS[kind]
    usage = f"argosy alerts {kind} {chosen.USAGE}"
    if chosen is running:
        parsed = parse_service("alerts run", usage, chosen.SUMMARY, chosen.OPTIONS, rest)
    else:
        parsed = parse_or_help(usage, chosen.SUMMARY, chosen.OPTIONS, rest)
    return 0 if parsed is None else chosen.work(parsed)
