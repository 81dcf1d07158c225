"""Which sink was asked for."""

from __future__ import annotations

from clients.environment import parse_service
from clients.options import help_in_parts
from clients.sink import alerts, events, files, findings, sql
from clients.sink.shared import SHARED
from topics.errors import UsageError
from topics.nearest import suggestion

KINDS = {"files": files, "sql": sql, "events": events, "findings": findings, "alerts": alerts}
USAGE = f"argosy sink {'|'.join(KINDS)} --bus kafka://HOST:PORT [OPTIONS]"
SUMMARY = """\
Keeps what a topic carries until it is stopped by SIGTERM or Ctrl-C. However it ends, nothing is lost or kept twice.
argosy sink KIND --help says more of each kind."""
OPTIONS = tuple({option.names: option for sink in KINDS.values() for option in (*sink.OPTIONS, *SHARED)}.values())


def run(arguments: list[str]) -> int:
    """Run the command."""
    kind, *rest = arguments or [""]
    if kind in {"-h", "--help"}:
        parts = {f"{name}: {sink.WHAT}": sink.OPTIONS for name, sink in KINDS.items()}
        print(help_in_parts(USAGE, SUMMARY, parts | {"all": SHARED}))
        return 0
    if kind not in KINDS:
        raise UsageError(
            f"say which sink, {', '.join(KINDS)}, not '{kind}'{suggestion(kind, KINDS)}" if kind else USAGE
        )
    sink = KINDS[kind]
    usage = f"argosy sink {kind} --bus kafka://HOST:PORT [OPTIONS]"
    parsed = parse_service(f"sink {kind}", usage, sink.SUMMARY, [*sink.OPTIONS, *SHARED], rest)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(f"unknown word '{parsed.rest[0]}': argosy sink {kind} takes options only")
    sink.keep(parsed)
    return 0
