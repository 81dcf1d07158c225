"""Which upkeep was asked for, and what all kinds share."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from clients.archive import compact, imports, retain, verify
from clients.options import Option, help_in_parts, parse_or_help
from clients.telemetry.options import METRICS_OPTION
from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from types import ModuleType

KINDS: dict[str, ModuleType] = {"compact": compact, "retain": retain, "verify": verify, "import": imports}
USAGE = f"argosy archive {'|'.join(KINDS)} ARCHIVE [OPTIONS]"
SUMMARY = """\
Looks after what `argosy sink files` keeps. ARCHIVE is a directory or s3://BUCKET/PREFIX. Each may be interrupted and
run again at any time, beside a sink and beside readers: they see every flow once."""
SHARED = (
    Option("-n", "", "say what would be done and do nothing"),
    Option("-q", "", "say only what is wrong"),
    METRICS_OPTION,
    Option("-h --help", "", "this text"),
)
OPTIONS = tuple({option.names: option for kind in KINDS.values() for option in (*kind.OPTIONS, *SHARED)}.values())
NANOSECONDS = 1_000_000_000


def run(arguments: list[str]) -> int:
    """Run the command; 1 when `verify` found something wrong."""
    kind, *rest = arguments or [""]
    if kind in {"-h", "--help"}:
        parts = {f"{name}: {module.WHAT}": module.OPTIONS for name, module in KINDS.items()}
        print(help_in_parts(USAGE, SUMMARY, parts | {"all": SHARED}))
        return 0
    if kind not in KINDS:
        raise UsageError(
            f"say what to do, compact, retain, verify or import, not '{kind}'{suggestion(kind, KINDS)}"
            if kind
            else USAGE
        )
    module = KINDS[kind]
    options = [*module.OPTIONS, *SHARED]
    parsed = parse_or_help(f"argosy archive {kind} ARCHIVE [OPTIONS]", module.SUMMARY, options, rest)
    if parsed is None:
        return 0
    if len(parsed.rest) != 1:
        raise UsageError(f"say which archive: argosy archive {kind} DIR or s3://BUCKET/PREFIX")
    wish = module.wish(parsed)

    from clients.telemetry.service import watched
    from sinks.archive.store import open_store

    with watched(parsed, "archive"), closing(open_store(parsed.rest[0])) as store:
        return int(module.work(store, wish, int(time.time() * NANOSECONDS)))
