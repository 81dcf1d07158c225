"""The measured rows of the page about performance, from deploy/capacity.json.

`python -m deploy.performance` prints the page, `--write` writes it. The rows stand between comments that name them;
`make measured` measures anew what they and the page about capacity say.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.capacity import need
from deploy.costs import ASSUMED, INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "performance.md"
BLOCK = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end of measured -->)", re.DOTALL)
FLOWS = 100_000
# Rows beside those of the costs: what a stage is called, where `make bench` writes it, and which bench that is.
STAGES = (
    ("probe, packets a CPU second beyond start-up", "probe, marginal", "probe"),
    ("the same with `-AJRZm -U 64`", "probe -AJRZm -U 64, marginal", "probe"),
    ("sink of PostgreSQL, flows/s", "PostgreSQL, in", "databases"),
    ("sink of DuckDB, flows/s", "DuckDB, in", "databases"),
    ("rules, starter set, status records/s", "alerts, starter set", "alerts"),
    ("mirror between sites, records/s", "link, catching up", "sites"),
)
LATENCY = ("alerts, to reader, p50", "alerts, to reader, p99")
FIGURES = (*(label for _, label, _ in STAGES), *LATENCY)


def figures(bench: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return what the rows say, out of what a bench wrote."""
    found = {name: bench[name] for name in FIGURES if name in bench}
    return {name: {"value": each["value"], "peer": each.get("peer")} for name, each in found.items()}


def page(text: str, inputs: Mapping[str, Any]) -> str:
    """Return the text of the page with the rows of these inputs."""

    def block(found: re.Match[str]) -> str:
        return found[1] + "\n" + "\n".join(BLOCKS[found[2]](inputs)) + "\n\n" + found[3]

    return BLOCK.sub(block, text)


def _alerts(inputs: Mapping[str, Any]) -> Iterator[str]:
    half, most = (inputs["figures"][name]["value"] for name in LATENCY)
    yield "| | half | 99 of 100 | measured |"
    yield "|---|---:|---:|---|"
    what = "last packet of a record to its alert at a reader of `argosy.alerts.v1`, beyond the status interval"
    yield f"| {what} | {half:.2f} s | {most:.2f} s | {inputs['date']}, `python -m tests.bench alerts` |"


def _cores(inputs: Mapping[str, Any]) -> Iterator[str]:
    costs = inputs["costs"] | ASSUMED
    needed, records = need(costs, FLOWS), FLOWS * costs["records_a_flow"] / 1e6
    packets, a_flow = costs["packets_a_flow"], costs["records_a_flow"]
    rows = (
        (f"probe, {packets:.0f} packets a flow", FLOWS * packets / costs["probe"], _packets(costs["probe"])),
        (f"publisher, {a_flow:.1f} status records a flow", records * costs["publisher"], _a_record(costs["publisher"])),
        ("broker, one replica", records * costs["broker"], _a_record(costs["broker"])),
        ("workers", needed.worker_cores, _a_record(costs["worker"])),
        ("sink of files", needed.files_cores, f"{costs['files']:.0f} us a flow"),
        ("sink of DuckDB", needed.database_cores, f"{costs['database']:.0f} us a flow"),
    )
    yield "| stage | cores | of |"
    yield "|---|---:|---|"
    for stage, cores, of in rows:
        yield f"| {stage} | {cores:.2f} | {of} |"


def _packets(rate: float) -> str:
    return f"{rate / 1e6:.2f} M packets a CPU second"


def _a_record(microseconds: float) -> str:
    return f"{microseconds:.1f} us a record"


def _stages(inputs: Mapping[str, Any]) -> Iterator[str]:
    yield "| stage | argosy | Argus's | command |"
    yield "|---|---:|---:|---|"
    for stage, label, bench in STAGES:
        found = inputs["figures"][label]
        peer = f"argus {_rate(found['peer'])}" if found["peer"] else ""
        yield f"| {stage} | {_rate(found['value'])} | {peer} | `python -m tests.bench {bench}` |"


def _rate(value: float) -> str:
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{round(value, -3):,.0f}"


BLOCKS: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "alerts": _alerts,
    "cores": _cores,
    "stages": _stages,
}


def main() -> int:
    """Print or write the page."""
    parser = argparse.ArgumentParser(prog="python -m deploy.performance", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page (default: print it)")
    written = page(PAGE.read_text(encoding="utf-8"), json.loads(INPUTS.read_text(encoding="utf-8")))
    if parser.parse_args().write:
        PAGE.write_text(written, encoding="utf-8")
    else:
        sys.stdout.write(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
