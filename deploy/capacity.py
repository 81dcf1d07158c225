"""What so many flows a second take: cores, memory, disk, partitions and network, from measured costs.

`python -m deploy.capacity` prints the page; `--write docs/reference/capacity.md` writes it; `--take build/bench.json`
first takes new costs from what `make bench` wrote.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy import resources
from deploy.costs import ASSUMED, BUSY, HELD_SECONDS, INPUTS, MEASURED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = Path(__file__).with_name("capacity.md")
RATES = (10_000, 100_000, 1_000_000)
REPLICAS = 3
READERS = 2  # of status records: worker and alerts; of flows: two sinks
DAY = 86_400
STATUS_DAYS, FLOW_DAYS = 3, 7
ARCHIVE_DAYS = 365

ROWS = {
    "probe_cores": "probes, cores in all",
    "broker_cores": f"brokers, cores in all ({REPLICAS} replicas)",
    "worker_cores": "workers, cores in all",
    "workers": f"workers, processes ({BUSY:.0%} of a core each)",
    "partitions": "partitions of status records and flows",
    "worker_memory": "workers, memory in all, GB",
    "files_cores": "sink of files, cores",
    "database_cores": "sink of DuckDB, cores",
    "evaluators": "evaluators that share the starter set",
    "databases": "PostgreSQL servers that share the flows",
    "bus_disk": f"disk of the bus, TB ({STATUS_DAYS} days of status, {FLOW_DAYS} of flows)",
    "archive_disk": "disk of the archive, TB a year",
    "into_brokers": "network into brokers, Mbit/s in all",
    "out_of_brokers": "network out of brokers, Mbit/s in all",
}


@dataclass(frozen=True, slots=True)
class Need:
    """What one rate of flows takes; cores are those that are busy, memory in GB, disk in TB, network in Mbit/s."""

    flows: int
    probe_cores: float
    broker_cores: float
    worker_cores: float
    workers: int
    partitions: int
    files_cores: float
    database_cores: float
    evaluators: int
    databases: int
    worker_memory: float
    bus_disk: float
    archive_disk: float
    into_brokers: float
    out_of_brokers: float


def need(costs: Mapping[str, float], flows: int) -> Need:
    """Return what `flows` flows a second take, given the costs that MEASURED and ASSUMED name."""
    records = flows * costs["records_a_flow"]
    worker = records * costs["worker"] / 1e6
    workers = max(1, math.ceil(worker / BUSY))
    partitions = max(8, 1 << math.ceil(math.log2(2 * workers)))
    status, merged = records * costs["message"], flows * costs["message"]
    return Need(
        flows,
        flows * costs["packets_a_flow"] / costs["probe"] + records * costs["publisher"] / 1e6,
        records * costs["broker"] / 1e6 * (1 + (REPLICAS - 1) / 2),
        worker,
        workers,
        partitions,
        flows * costs["files"] / 1e6,
        flows * costs["database"] / 1e6,
        math.ceil(records / (costs["alerts"] * BUSY)),
        math.ceil(flows / (costs["postgresql"] * BUSY)),
        (flows * HELD_SECONDS * costs["flow_bytes"] / 1e9) + workers * costs["worker_memory"] / 1e3,
        (status * STATUS_DAYS + merged * FLOW_DAYS) * DAY * REPLICAS / 1e12,
        flows * costs["archive"] * DAY * ARCHIVE_DAYS / 1e12,
        (status + merged) * REPLICAS * 8 / 1e6,
        (status + merged) * (REPLICAS - 1 + READERS) * 8 / 1e6,
    )


def limits(costs: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return what cannot be had by starting another process, with the flows a second at which it is full."""
    bytes_out = costs["message"] * (costs["records_a_flow"] + 1) * (REPLICAS - 1 + READERS)
    found = {
        "one evaluator with the whole starter set": costs["alerts"] / costs["records_a_flow"],
        "one PostgreSQL that keeps all columns": costs["postgresql"],
        "one partition (a core of one worker)": 1e6 / (costs["worker"] * costs["records_a_flow"]),
        "one sink of files": 1e6 / costs["files"],
        "10 Gbit/s out of one broker that leads all partitions": 1.25e9 / bytes_out,
    }
    return sorted(found.items(), key=lambda item: item[1])


def page(inputs: Mapping[str, Any]) -> str:
    """Return the page about capacity."""
    costs = inputs["costs"] | ASSUMED
    full = limits(costs)
    measured = (f"| {MEASURED[name][1]} | {_amount(costs[name])} | `{MEASURED[name][0]}` |" for name in MEASURED)
    return PAGE.read_text(encoding="utf-8").format(
        date=inputs["date"],
        machine=inputs["machine"],
        table="\n".join(_table([need(costs, flows) for flows in RATES])),
        full="\n".join(f"| {name} | {round(flows, -3):,.0f} |" for name, flows in full),
        first=full[0][0],
        measured="\n".join(measured),
        held=HELD_SECONDS,
        status_days=STATUS_DAYS,
        flow_days=FLOW_DAYS,
        replicas=REPLICAS,
        copies=REPLICAS - 1,
        readers=READERS,
        chart_flows=resources.FLOWS,
        busy=BUSY,
        chart="\n".join(_asked(costs)),
        **ASSUMED,
    )


def _asked(costs: Mapping[str, float]) -> Iterator[str]:
    for role, share in resources.shares(costs).items():
        yield f"| {role} | {share.requests[1:-1]} | {share.limits[1:-1]} |".replace('"', "")


def _table(needs: list[Need]) -> list[str]:
    rows = [
        f"| {name} | " + " | ".join(_amount(getattr(each, field)) for each in needs) + " |"
        for field, name in ROWS.items()
    ]
    return [
        "| | " + " | ".join(f"{each.flows:,} flows/s" for each in needs) + " |",
        "|---" * (1 + len(needs)) + "|",
        *rows,
    ]


def _amount(value: float) -> str:
    if isinstance(value, int) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def take(bench: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs with the costs and figures that a bench has, of this machine, dated by the oldest of the costs."""
    from deploy.performance import figures

    entries = {name: bench[place] for name, (place, _) in MEASURED.items() if place in bench}
    found = {name: entry["value"] for name, entry in entries.items()}
    costs = {name: float(f"{value:.4g}") for name, value in (inputs.get("costs", {}) | found).items()}
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    day = min((entry.get("date", today) for entry in entries.values()), default=today)
    rows = inputs.get("figures", {}) | figures(bench)
    return dict(inputs) | {"date": day, "machine": f"{os.cpu_count()} shared cores", "costs": costs, "figures": rows}


def main(arguments: list[str] | None = None) -> int:
    """Print or write the page."""
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity", description=__doc__)
    parser.add_argument("--take", type=Path, help="take costs from this file of make bench, and keep them")
    parser.add_argument("--write", type=Path, help="write the page there (default: print it)")
    options = parser.parse_args(arguments)
    inputs: dict[str, Any] = json.loads(INPUTS.read_text(encoding="utf-8")) if INPUTS.exists() else {}
    if options.take:
        bench = json.loads(options.take.read_text(encoding="utf-8"))
        missing = [place for place, _ in MEASURED.values() if place not in bench]
        if missing:
            sys.stderr.write(f"not in {options.take}, so as before: {', '.join(missing)}\n")
        inputs = take(bench, inputs)
        INPUTS.write_text(json.dumps(inputs, indent=2) + "\n", encoding="utf-8")
    if options.write:
        options.write.write_text(page(inputs), encoding="utf-8")
    else:
        sys.stdout.write(page(inputs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
