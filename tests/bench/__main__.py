"""`make bench`: how fast every stage is, beside its peer in the same run; a table, and build/bench.json.

The file keeps what was measured before of what is not asked for now.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.bench.result import BUILD
from tests.bench.suites import clients, probes, processors, sinks, topics

if TYPE_CHECKING:
    from tests.bench.result import Suite

BENCHES: Suite = {**probes.SUITE, **topics.SUITE, **processors.SUITE, **sinks.SUITE, **clients.SUITE}


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.5f}" if value < 1 else f"{value:.2f}"


def main() -> int:
    """Run the benches that are asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[*BENCHES, []], help="which ones (default: all)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, the median counts (default 3)")
    arguments = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    kept = BUILD / "bench.json"
    known = json.loads(kept.read_text(encoding="utf-8")) if arguments.only and kept.exists() else {}
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    print(f"{'':<26}{'argosy':>14}{'peer':>14}{'ratio':>8}  unit")
    for name in arguments.only or BENCHES:
        for label, result in BENCHES[name](arguments.runs):
            known[label] = asdict(result) | {"date": today}
            ratio = f"{result.ratio:.2f}x" if result.ratio else "-"
            print(
                f"{label:<26}{_number(result.value):>14}{_number(result.peer):>14}{ratio:>8}  {result.unit}", flush=True
            )
            if result.note:
                print(f"  {result.note}", flush=True)
    kept.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
