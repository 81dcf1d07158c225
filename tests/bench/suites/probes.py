"""What observes: packets, flows, copies and exporters, beside argus and nfcapd."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from tests.bench.result import ARGOSY, BUILD, Result, beside

if TYPE_CHECKING:
    from tests.bench.probe import Beside
    from tests.bench.result import Results, Suite


def bench_probe(runs: int) -> Results:
    """Packets per CPU second beside argus, start-up apart."""
    from tests.bench.probe import measure

    for options in ((), ("-AJRZm", "-U", "64")):
        found = measure(ARGOSY, BUILD, 2 * runs + 1, options)
        name, ours, argus = " ".join(("probe", *options)), found.ours, found.argus
        ratio = statistics.median(found.ratios) if found.ratios else None
        rate = Result(ours.rate, "packets/CPU s", argus.rate if argus else None, ratio, _spread(found))
        yield f"{name}, marginal", rate
        yield f"{name}, start-up", Result(ours.start, "CPU s", argus.start if argus else None)


def _spread(found: Beside) -> str:
    tools = (("argosy", found.ours), ("argus", found.argus))
    shares = [f"{name} {each.user:.3f} user + {each.system:.3f} system us" for name, each in tools if each]
    if not found.ratios:
        return "; ".join(shares)
    low, _, high = statistics.quantiles(found.ratios, n=4, method="inclusive")
    said = f"{len(found.ratios)} rounds: {found.ratios[0]:.2f} to {found.ratios[-1]:.2f} times"
    return "; ".join([f"{said}, half of them {low:.2f} to {high:.2f}", *shares])


def bench_flows(_runs: int) -> Results:
    """A packet of one flow of a million beside one of a thousand; memory a flow."""
    from tests.bench.flow_table import measure

    cost = measure()
    yield "flow table, 1 M flows", Result(cost.many, "ns/packet", cost.few, cost.many / cost.few)
    yield "flow table, memory", Result(cost.bytes_per_flow, "bytes/flow")


def bench_live(_runs: int) -> Results:
    """Half a million packets a second for a minute, from namespace to namespace; only as root, with tcpreplay."""
    from tests.bench.live import is_possible, measure

    if not is_possible():
        return
    for name, ours, argus in measure(ARGOSY, BUILD):
        if ours.counted + ours.dropped != ours.sent:
            raise RuntimeError(f"{ours.sent} packets sent, {ours.counted} counted and {ours.dropped} dropped")
        cost, lost = (argus.sent / argus.cpu, argus.dropped / argus.sent) if argus else (None, None)
        yield f"live, {name}, cost", beside(ours.sent / ours.cpu, "packets/CPU s", cost)
        yield f"live, {name}, sent", Result(ours.rate, "packets/s", argus.rate if argus else None)
        yield f"live, {name}, not counted", Result(ours.dropped / ours.sent, "of 1", lost)


def bench_copies(runs: int) -> Results:
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


def bench_exporters(_runs: int) -> Results:
    """Datagrams of exporters, from the socket to batches for the topic; nfcapd writes its files from the same."""
    from tests.bench import exporters as e

    for name, nine in (("NetFlow 9", True), ("IPFIX", False)):
        datagrams = e.netflow_datagrams(nine=nine)
        found, peer = e.measure("netflow", datagrams), e.measure_nfcapd(datagrams, e.RECORDS)
        yield f"{name} from the socket", beside(found.rate, "records/CPU s", peer.rate if peer else None)
        yield f"{name}, dropped by the kernel", Result(found.dropped, "datagrams")
    found = e.measure("sflow", e.sflow_datagrams())
    yield "sFlow from the socket", Result(found.rate, "samples/CPU s")
    yield "sFlow, dropped by the kernel", Result(found.dropped, "datagrams")


SUITE: Suite = {
    "probe": bench_probe,
    "flows": bench_flows,
    "live": bench_live,
    "copies": bench_copies,
    "exporters": bench_exporters,
}
