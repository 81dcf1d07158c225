"""`make bench`: how fast every stage is, beside its peer in the same run; a table, and build/bench.json."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.clients import Beside

BUILD = Path("build")
SECURED_RUNS = 6  # of the probe, one after the other: 1.2 million records, or the broker would mostly be compiling
STAGE_RUNS = 2  # likewise
BACKLOG_COPIES = 5  # of 200,000 records that wait for a link
WORKER_RUNS = 8  # likewise: 4.8 million records, or starting and the last commit would be much of it


@dataclass(frozen=True, slots=True)
class Result:
    """One figure; `peer` is the same of the tool that people use today, `ratio` how many times as good ours is."""

    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None


def _beside(value: float, unit: str, peer: float | None) -> Result:
    return Result(value, unit, peer, value / peer if peer else None)


def _argosy() -> str:
    return str(Path(sys.executable).with_name("argosy"))


def bench_probe(runs: int) -> Iterator[tuple[str, Result]]:
    """Packets per CPU second beside argus, start-up apart."""
    from tests.bench.probe import measure

    for options in ((), ("-AJRZm", "-U", "64")):
        ours, argus = measure(_argosy(), BUILD, runs, options)
        name = " ".join(("probe", *options))
        yield f"{name}, marginal", _beside(ours.rate, "packets/CPU s", argus.rate if argus else None)
        yield f"{name}, start-up", Result(ours.start, "CPU s", argus.start if argus else None)


def bench_flows(_runs: int) -> Iterator[tuple[str, Result]]:
    """A packet of one flow of a million beside one of a thousand; memory a flow."""
    from tests.bench.flow_table import measure

    cost = measure()
    yield "flow table, 1 M flows", Result(cost.many, "ns/packet", cost.few, cost.many / cost.few)
    yield "flow table, memory", Result(cost.bytes_per_flow, "bytes/flow")


def bench_codec(runs: int) -> Iterator[tuple[str, Result]]:
    """Records per second both ways, the full schema."""
    from tests.bench.codec import measure

    rates = measure(rounds=runs)
    yield "codec, out", Result(rates.encoded, "records/s")
    yield "codec, in", Result(rates.decoded, "records/s")
    yield "codec, size", Result(rates.record_bytes, "bytes/record")


def bench_merge(runs: int) -> Iterator[tuple[str, Result]]:
    """Records merged per CPU second beside racluster."""
    from tests.bench.merge import measure

    rates = measure(BUILD, runs)
    yield "racluster, default key", _beside(rates.aggregation, "records/CPU s", rates.racluster)
    yield "merge, stream", _beside(rates.stream, "records/CPU s", rates.racluster)


def bench_worker(_runs: int) -> Iterator[tuple[str, Result]]:
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


def bench_stages(_runs: int) -> Iterator[tuple[str, Result]]:
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


def bench_sites(_runs: int) -> Iterator[tuple[str, Result]]:
    """Bytes of status records on a link by compression, as probes of two rates send them, and a backlog mirrored."""
    from tests.bench import sites
    from tests.bench.probe import captures
    from tests.bench.records import status_batches

    batches = [batch for batch in status_batches(captures(BUILD)[0]) if len(batch)]
    records = sum(map(len, batches))
    for rate in (1_000, 10_000):
        for compression, size in sites.bytes_on_the_link(sites.messages(batches, rate)).items():
            yield f"link, {rate:,}/s, {compression}", Result(size / records, "bytes/record")
    values = sites.messages(batches, 10_000) * BACKLOG_COPIES
    found = sites.catch_up(values, records * BACKLOG_COPIES, "zstd")
    yield "link, catching up", Result(found.records / found.seconds, "records/s")
    yield "link, bytes caught up", Result(found.bytes / found.seconds / 1e6, "MB/s")
    yield "link, mirror", Result(1e6 * found.cpu / found.records, "us CPU/record")


def bench_databases(_runs: int) -> Iterator[tuple[str, Result]]:
    """Flows into each database through the SQL sink, again, and back out; its server is on the same cores."""
    from tests.bench.databases import measure
    from tests.bench.probe import captures

    for rates in measure(captures(BUILD)[1]):
        yield f"{rates.database}, in", Result(rates.kept, "records/s")
        yield f"{rates.database}, in again", Result(rates.replayed, "records/s")
        yield f"{rates.database}, out", Result(rates.read, "records/s")


def bench_secured(runs: int) -> Iterator[tuple[str, Result]]:
    """Records to Kafka with TLS, SCRAM and the spool, beside the same without any of it."""
    from tests.bench.probe import captures
    from tests.bench.records import status_batches
    from tests.bench.secured import measure

    once = status_batches(captures(BUILD)[0])
    batches = [batch.replace(boot_id=run) for run in range(1, SECURED_RUNS + 1) for batch in once]
    rates = measure(batches, runs)
    for compression, rate in rates.secured.items():
        yield f"bus, TLS, {compression}, spool", _beside(rate, "records/s", rates.plain)
        yield f"bus, TLS, {compression}, spool, least of pairs", Result(rates.least[compression], "of plain")


def bench_ra(runs: int) -> Iterator[tuple[str, Result]]:
    """How long `argosy ra` takes on a small file."""
    from tests.bench.processes import median_wall, run

    small = BUILD / "bench-small.parquet"
    sample = BUILD / "sample.pcap"
    if not sample.exists():
        run([sys.executable, "-m", "tests.traffic", "sample", str(sample)])
    run([_argosy(), "probe", "-r", str(sample), "-w", str(small)])
    run([_argosy(), "ra", "-r", str(small)])
    yield "ra, small file", Result(median_wall([_argosy(), "ra", "-r", str(small)], runs), "s")


def bench_live(_runs: int) -> Iterator[tuple[str, Result]]:
    """Half a million packets a second for a minute, from namespace to namespace; only as root, with tcpreplay."""
    from tests.bench.live import is_possible, measure

    if not is_possible():
        return
    ours, argus = measure(_argosy(), BUILD)
    if ours.counted + ours.dropped != ours.sent:
        raise RuntimeError(f"{ours.sent} packets sent, {ours.counted} counted and {ours.dropped} dropped")
    yield "live, cost", _beside(ours.sent / ours.cpu, "packets/CPU s", argus.sent / argus.cpu if argus else None)
    yield "live, sent", Result(ours.rate, "packets/s", argus.rate if argus else None)
    yield "live, not counted", Result(ours.dropped / ours.sent, "of 1", argus.dropped / argus.sent if argus else None)


def _costs(name: str, cost: Beside) -> Iterator[tuple[str, Result]]:
    """Tell what a client costs, by the clock and in CPU time, and how much memory it takes."""
    peer = cost.theirs
    wall, cpu = cost.records / cost.ours.wall, cost.records / cost.ours.cpu
    yield f"{name}, wall", _beside(wall, "records/s", cost.records / peer.wall if peer else None)
    yield f"{name}, CPU", _beside(cpu, "records/CPU s", cost.records / peer.cpu if peer else None)
    yield f"{name}, memory", Result(cost.ours.megabytes, "MB", peer.megabytes if peer else None)


def bench_clients(runs: int) -> Iterator[tuple[str, Result]]:
    """Records per second of wall and of CPU time of the clients, two million records, beside Argus's own."""
    from tests.bench.clients import WORK, measure

    for name in WORK:
        yield from _costs(name, measure(_argosy(), BUILD, name, runs))


def bench_web(_runs: int) -> Iterator[tuple[str, Result]]:
    """The page on 10 million flows: first paint after a start, interactions of one client and of twenty."""
    from tests.bench.web import measure, quantile

    pace = measure(_argosy(), BUILD)
    yield "web, columns of 10 M flows made", Result(pace.prepared, "s")
    yield "web, first page after a start", Result(pace.started, "s")
    yield "web, first page of a running server", Result(pace.first_paint, "s")
    for label, values in (("one client", pace.alone), ("20 clients at once", pace.together)):
        yield f"web, interaction of {label}, median", Result(1000 * quantile(values, 0.5), "ms")
        yield f"web, interaction of {label}, p95", Result(1000 * quantile(values, 0.95), "ms")
    yield "web, memory of its own", Result(pace.private_bytes / 1e6, "MB")
    yield "web, memory with mapped columns, peak", Result(pace.peak_bytes / 1e6, "MB")


def bench_pictures(runs: int) -> Iterator[tuple[str, Result]]:
    """Two million records to pictures and graphs, beside what the tools of Argus take to read and bin them."""
    from tests.bench.pictures import WORK, measure

    for name in WORK:
        yield from _costs(name, measure(_argosy(), BUILD, name, runs))


def bench_copies(runs: int) -> Iterator[tuple[str, Result]]:
    """Copies of mirror ports, found among a million packets of each kind of fault; what looking for them costs."""
    from tests.bench.copies import costs, scores

    for name, found in scores():
        yield f"copies, {name}, false", Result(found.false, "packets")
        if found.copies:
            yield f"copies, {name}, precision", Result(found.precision, "of 1")
            yield f"copies, {name}, recall", Result(found.recall, "of 1")
    for name, cost in costs(2 * runs - 1):
        yield f"copies, {name}, cost", Result(cost.judged, "ns/packet", cost.judged / cost.ratio, cost.ratio)
        yield f"copies, {name}, dearest process", Result(cost.worst, "times without")


def bench_observers(_runs: int) -> Iterator[tuple[str, Result]]:
    """Conversations that two and three probes saw, their clocks up to 3.9 s apart."""
    from tests.bench.observers import SITES, measure

    for name, points in SITES.items():
        found = measure(points)
        yield f"observers, {name}, once", Result(found.once, f"of {found.conversations:,}")
        yield f"observers, {name}, clock", Result(found.clock_error / 1e6, "ms wrong")
        yield f"observers, {name}, cost", Result(found.cost, "ns/flow")


def bench_dns(runs: int) -> Iterator[tuple[str, Result]]:
    """Messages of DNS to transactions, from bytes of the bus to bytes of the bus, and to names."""
    from tests.bench.dns import measure

    rates = measure(runs)
    yield "DNS, transactions", Result(rates.transactions, "messages/CPU s")
    yield "DNS, and to bytes", Result(rates.encoded, "messages/CPU s")
    yield "DNS, and to names", Result(rates.named, "messages/CPU s")


def bench_exporters(_runs: int) -> Iterator[tuple[str, Result]]:
    """Datagrams of exporters, from the socket to batches for the topic; nfcapd writes its files from the same."""
    from tests.bench import exporters as e

    for name, nine in (("NetFlow 9", True), ("IPFIX", False)):
        datagrams = e.netflow_datagrams(nine=nine)
        found, peer = e.measure("netflow", datagrams), e.measure_nfcapd(datagrams, e.RECORDS)
        yield f"{name} from the socket", _beside(found.rate, "records/CPU s", peer.rate if peer else None)
        yield f"{name}, dropped by the kernel", Result(found.dropped, "datagrams")
    found = e.measure("sflow", e.sflow_datagrams())
    yield "sFlow from the socket", Result(found.rate, "samples/CPU s")
    yield "sFlow, dropped by the kernel", Result(found.dropped, "datagrams")


def bench_labels(_runs: int) -> Iterator[tuple[str, Result]]:
    """Labels of flows by databases, 100,000 networks, block lists of a million entries, and names."""
    import tempfile

    from tests.bench.labels import measure

    with tempfile.TemporaryDirectory() as directory:
        cost = measure(Path(directory))
    yield "labels, nothing remembered", Result(cost.microseconds, "us/flow")
    yield "labels, all remembered", Result(cost.again, "us/flow")
    yield "labels, reading lists", Result(cost.loading, "CPU s")
    yield "labels, flows with names", Result(cost.named, "of 1")


def bench_names(_runs: int) -> Iterator[tuple[str, Result]]:
    """State of names: our table out of a compacted topic, beside a table of Faust with its changelog."""
    import tempfile

    from deploy.kafka.node import KafkaNode
    from tests.bench.name_state import measure

    with tempfile.TemporaryDirectory() as directory, KafkaNode(Path(directory)) as node:
        rates = measure(node.bootstrap)
    yield "names, to state", _beside(rates.read, "names/s", rates.updated)
    yield "names, after a restart", _beside(rates.read, "names/s", rates.restored)


def bench_archive(_runs: int) -> Iterator[tuple[str, Result]]:
    """Bytes a flow in files, beside Argus's; how fast they are written, compacted, and asked for one host."""
    from tests.bench.archive import argus_bytes, measure
    from tests.bench.probe import captures

    capture = captures(BUILD)[0]
    sizes, theirs = measure(capture), argus_bytes(capture)
    for name, size in {"as they come": sizes.sink, **sizes.daily}.items():
        yield f"archive, {name}", Result(size, "bytes/flow", theirs, None if theirs is None else theirs / size)
    yield "archive, kept", Result(sizes.kept, "flows/CPU s")
    yield "archive, compacted", Result(sizes.compacted, "flows/CPU s")
    yield "archive, one host", Result(sizes.host, "s")


def bench_argus(runs: int) -> Iterator[tuple[str, Result]]:
    """Records of Argus in and out, beside ra on the same file."""
    from tests.bench.argus import measure

    rates = measure(_argosy(), BUILD, runs)
    if rates is None:
        return
    yield "argus in, ra printing", _beside(rates.decoded, "records/CPU s", rates.printed)
    yield "argus in, ra copying", _beside(rates.decoded, "records/CPU s", rates.copied)
    yield "argus in, racount", _beside(rates.decoded, "records/CPU s", rates.counted)
    yield "argus out, ra copying", _beside(rates.encoded, "records/CPU s", rates.copied)


def bench_alerts(runs: int) -> Iterator[tuple[str, Result]]:
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


def bench_inventories(runs: int) -> Iterator[tuple[str, Result]]:
    """What two million records cost inventories beyond a small file, beside the tools of Argus."""
    from tests.bench.inventories import WORK, measure

    for name in WORK:
        found = measure(_argosy(), BUILD, name, runs)
        ours, theirs = found.ours, found.theirs
        for unit in ("cpu", "wall"):
            peer = getattr(theirs, unit) if theirs else None
            seconds = getattr(ours, unit)
            yield f"{name}, {unit}", Result(seconds, "s", peer, peer / seconds if peer else None)
        yield f"{name}, memory", Result(ours.megabytes, "MB", theirs.megabytes if theirs else None)


def bench_payload(runs: int) -> Iterator[tuple[str, Result]]:
    """Two million records with payload: searched, decoded, learnt from and labelled, beside Argus's tools."""
    import shutil

    from tests.bench.payload import WORK, decoded, different, measure

    for name in WORK:
        yield from _costs(name, measure(_argosy(), BUILD, name, runs))
    if shutil.which("tshark"):
        yield "radecode", Result(decoded(_argosy(), BUILD), "flows/CPU s")
    yield "radump, all different", Result(different(), "payloads/CPU s")


BENCHES: dict[str, Callable[[int], Iterator[tuple[str, Result]]]] = {
    "probe": bench_probe,
    "flows": bench_flows,
    "codec": bench_codec,
    "merge": bench_merge,
    "worker": bench_worker,
    "stages": bench_stages,
    "sites": bench_sites,
    "databases": bench_databases,
    "secured": bench_secured,
    "ra": bench_ra,
    "clients": bench_clients,
    "pictures": bench_pictures,
    "live": bench_live,
    "web": bench_web,
    "copies": bench_copies,
    "observers": bench_observers,
    "dns": bench_dns,
    "exporters": bench_exporters,
    "labels": bench_labels,
    "names": bench_names,
    "archive": bench_archive,
    "alerts": bench_alerts,
    "inventories": bench_inventories,
    "payload": bench_payload,
    "argus": bench_argus,
}


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
    results: dict[str, Result] = {}
    print(f"{'':<26}{'argosy':>14}{'peer':>14}{'ratio':>8}  unit")
    for name in arguments.only or BENCHES:
        for label, result in BENCHES[name](arguments.runs):
            results[label] = result
            ratio = f"{result.ratio:.2f}x" if result.ratio else "-"
            print(
                f"{label:<26}{_number(result.value):>14}{_number(result.peer):>14}{ratio:>8}  {result.unit}", flush=True
            )
    written = {name: asdict(result) for name, result in results.items()}
    (BUILD / "bench.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
