"""What concludes: merging, the worker and all stages behind it, names, labels, observers, alerts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.result import BUILD, Result, beside

if TYPE_CHECKING:
    from tests.bench.result import Results, Suite

STAGE_RUNS = 2  # likewise
WORKER_RUNS = 8  # likewise: 4.8 million records, or starting and the last commit would be much of it


def bench_merge(runs: int) -> Results:
    """Records merged per CPU second beside racluster."""
    from tests.bench.merge import measure

    rates = measure(BUILD, runs)
    yield "racluster, default key", beside(rates.aggregation, "records/CPU s", rates.racluster)
    yield "merge, stream", beside(rates.stream, "records/CPU s", rates.racluster)


def bench_worker(_runs: int) -> Results:
    """Status records through Kafka and one worker into flows, the broker on the same cores."""
    import tempfile

    from deploy.kafka.node import KafkaNode
    from tests.bench.probe import captures
    from tests.bench.records import status_batches
    from tests.bench.worker import measure

    once = status_batches(captures(BUILD)[1])
    batches = [batch.replace(boot_id=run) for run in range(1, WORKER_RUNS + 1) for batch in once]
    with tempfile.TemporaryDirectory() as directory, KafkaNode(Path(directory)) as node:
        rates = measure(node.bootstrap, batches)
    yield "bus and one worker", Result(rates.rate, "records/s")


def bench_stages(_runs: int) -> Results:
    """CPU time of each process behind the probe for status records and the flows they become."""
    from tests.bench.probe import captures
    from tests.bench.records import status_batches
    from tests.bench.stages import measure

    once = status_batches(captures(BUILD)[0])
    found = measure([batch.replace(boot_id=run) for run in range(1, STAGE_RUNS + 1) for batch in once])
    yield "stages, records a flow", Result(found.records / found.flows, "records")
    for name in ("publisher", "broker", "worker"):
        yield f"stages, {name}", Result(1e6 * getattr(found, name) / found.records, "us CPU/record")
    for name in ("files", "database"):
        yield f"stages, {name}", Result(1e6 * getattr(found, name) / found.flows, "us CPU/flow")
    yield "stages, worker's memory", Result(found.megabytes, "MB")


def bench_observers(_runs: int) -> Results:
    """Conversations that two and three probes saw, their clocks up to 3.9 s apart."""
    from tests.bench.observers import SITES, measure

    for name, points in SITES.items():
        found = measure(points)
        yield f"observers, {name}, once", Result(found.once, f"of {found.conversations:,}")
        yield f"observers, {name}, clock", Result(found.clock_error / 1e6, "ms wrong")
        yield f"observers, {name}, cost", Result(found.cost, "ns/flow")


def bench_dns(runs: int) -> Results:
    """Messages of DNS to transactions, from bytes of the bus to bytes of the bus, and to names."""
    from tests.bench.dns import measure

    rates = measure(runs)
    yield "DNS, transactions", Result(rates.transactions, "messages/CPU s")
    yield "DNS, and to bytes", Result(rates.encoded, "messages/CPU s")
    yield "DNS, and to names", Result(rates.named, "messages/CPU s")


def bench_names(_runs: int) -> Results:
    """State of names: our table out of a compacted topic, beside a table of Faust with its changelog."""
    import tempfile

    from deploy.kafka.node import KafkaNode
    from tests.bench.name_state import measure

    with tempfile.TemporaryDirectory() as directory, KafkaNode(Path(directory)) as node:
        rates = measure(node.bootstrap)
    yield "names, to state", beside(rates.read, "names/s", rates.updated)
    yield "names, after a restart", beside(rates.read, "names/s", rates.restored)


def bench_labels(_runs: int) -> Results:
    """Labels of flows by databases, 100,000 networks, block lists of a million entries, and names."""
    import tempfile

    from tests.bench.labels import measure

    with tempfile.TemporaryDirectory() as directory:
        cost = measure(Path(directory))
    yield "labels, nothing remembered", Result(cost.microseconds, "us/flow")
    yield "labels, all remembered", Result(cost.again, "us/flow")
    yield "labels, reading lists", Result(cost.loading, "CPU s")
    yield "labels, flows with names", Result(cost.named, "of 1")


def bench_alerts(runs: int) -> Results:
    """Status records per second through the starter set; from packet to alert beyond the status interval."""
    import tempfile
    from statistics import median

    from deploy.kafka.node import KafkaNode
    from tests.bench.alerts import latency, rate
    from tests.bench.probe import captures
    from tests.bench.records import status_batches

    batches = status_batches(captures(BUILD)[0])
    rates = [rate(batches) for _ in range(runs)]
    yield "alerts, starter set", Result(median(each for each, _ in rates), "records/s")
    yield "alerts, raised there", Result(rates[0][1], "alerts")
    with tempfile.TemporaryDirectory() as directory, KafkaNode(Path(directory)) as node:
        found = latency(node.bootstrap)
    yield "alerts, to reader, p50", Result(found.median, "s beyond interval")
    yield "alerts, to reader, p99", Result(found.p99, "s beyond interval")


SUITE: Suite = {
    "merge": bench_merge,
    "worker": bench_worker,
    "stages": bench_stages,
    "observers": bench_observers,
    "dns": bench_dns,
    "names": bench_names,
    "labels": bench_labels,
    "alerts": bench_alerts,
}
