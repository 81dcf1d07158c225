"""Simulate many probes: python -m tests.simulation --probes 1000 --seconds 60."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.kafka.node import KafkaNode
from tests.simulation.plan import Plan
from tests.simulation.run import Simulation

if TYPE_CHECKING:
    from tests.simulation.run import Report


def main() -> int:
    """Carry a plan out on a Kafka of its own; 1 when something is missing or there twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--probes", type=int, default=Plan().probes)
    parser.add_argument("--seconds", type=float, default=Plan().seconds)
    parser.add_argument("--rate", type=float, default=Plan().rate, help="status records a second, of each probe")
    parser.add_argument("--report", type=float, default=Plan().report, help="seconds between batches of a probe")
    parser.add_argument("--partitions", type=int, default=Plan().partitions)
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast as it would be")
    parser.add_argument("--bootstrap", help="a Kafka that runs already")
    parser.add_argument("--write", type=Path, help="figures as JSON")
    options = parser.parse_args()
    plan = Plan(options.probes, options.seconds, options.rate, options.report, options.partitions)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bootstrap = options.bootstrap or stack.enter_context(KafkaNode(directory / "kafka")).bootstrap
        report = Simulation(bootstrap, plan, directory, options.speed).run(lambda text: print(text, flush=True))
    figures = summary(report)
    for name, value in figures.items():
        print(f"{name:<32}{value:>14,}" if isinstance(value, int | float) else f"{name:<32}{value:>14}")
    if options.write:
        options.write.write_text(json.dumps(asdict(plan) | figures, indent=2) + "\n", encoding="utf-8")
    return 0 if report.holds else 1


def summary(report: Report) -> dict[str, float | str]:
    """Return the figures of a report."""
    sending = [sample for sample in report.samples if sample.sent < report.messages] or report.samples
    return {
        "messages": report.messages,
        "records": report.records,
        "replays": report.replays,
        "flows": len(report.expected.flows),
        "flows missing": len(report.expected.flows - report.found.flows),
        "flows twice": report.found.doubled,
        "flows in the database": report.kept[0],
        "messages a second": round(sending[-1].sent / max(sending[-1].seconds, 0.001)),
        "worker, CPU s": round(report.worker_cpu, 1),
        "worker, ms CPU a message": round(1e3 * report.worker_cpu / report.messages, 3),
        "worker, most MB": round(max(sample.worker_megabytes for sample in report.samples)),
        "sink, CPU s": round(report.sink_cpu, 1),
        "sink, most MB": round(max(sample.sink_megabytes for sample in report.samples)),
        "most messages unread": max(sample.unread for sample in report.samples),
        "s to drain after the last": round(report.drained, 1),
        "everything there, once": "yes" if report.holds else "NO",
    }


if __name__ == "__main__":
    sys.exit(main())
