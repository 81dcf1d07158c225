"""What people use: commands beside those of Argus, pictures, the page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.bench.result import ARGOSY, BUILD, Result, beside

if TYPE_CHECKING:
    from tests.bench.clients import Beside
    from tests.bench.result import Results, Suite


def _costs(name: str, cost: Beside) -> Results:
    """Tell what a client costs, by the clock and in CPU time, and how much memory it takes."""
    peer = cost.theirs
    wall, cpu = cost.records / cost.ours.wall, cost.records / cost.ours.cpu
    yield f"{name}, wall", beside(wall, "records/s", cost.records / peer.wall if peer else None)
    yield f"{name}, CPU", beside(cpu, "records/CPU s", cost.records / peer.cpu if peer else None)
    yield f"{name}, memory", Result(cost.ours.megabytes, "MB", peer.megabytes if peer else None)
    if cost.few is None:
        return
    for unit in ("wall", "cpu"):
        ours = getattr(cost.ours, unit) - getattr(cost.few.ours, unit)
        theirs = getattr(peer, unit) - getattr(cost.few.theirs, unit) if peer and cost.few.theirs else None
        ratio = theirs / ours if theirs and ours > 0 else None
        yield f"{name}, {unit} beyond a few", Result(ours, "s", theirs, ratio)


def bench_ra(runs: int) -> Results:
    """How long `argosy ra` takes on a small file."""
    from tests.bench.processes import median_wall, run

    small = BUILD / "bench-small.parquet"
    sample = BUILD / "sample.pcap"
    if not sample.exists():
        run([sys.executable, "-m", "tests.traffic", "sample", str(sample)])
    run([ARGOSY, "probe", "-r", str(sample), "-w", str(small)])
    run([ARGOSY, "ra", "-r", str(small)])
    yield "ra, small file", Result(median_wall([ARGOSY, "ra", "-r", str(small)], runs), "s")


def bench_clients(runs: int) -> Results:
    """Records per second of wall and of CPU time of the clients, two million records, beside Argus's own."""
    from tests.bench.clients import WORK, measure

    for name in WORK:
        yield from _costs(name, measure(ARGOSY, BUILD, name, runs))


def bench_pictures(runs: int) -> Results:
    """What pictures of two million records cost beyond a small file, beside what reads and bins them in Argus."""
    from tests.bench.pictures import WORK, measure

    for name in WORK:
        yield from _costs(name, measure(ARGOSY, BUILD, name, runs))


def bench_inventories(runs: int) -> Results:
    """What two million records cost inventories beyond a small file, beside the tools of Argus."""
    from tests.bench.inventories import WORK, measure

    for name in WORK:
        found = measure(ARGOSY, BUILD, name, runs)
        ours, theirs = found.ours, found.theirs
        for unit in ("cpu", "wall"):
            peer = getattr(theirs, unit) if theirs else None
            seconds = getattr(ours, unit)
            yield f"{name}, {unit}", Result(seconds, "s", peer, peer / seconds if peer else None)
        yield f"{name}, memory", Result(ours.megabytes, "MB", theirs.megabytes if theirs else None)


def bench_payload(runs: int) -> Results:
    """Two million records with payload: searched, decoded, learnt from and labelled, beside Argus's tools."""
    import shutil

    from tests.bench.payload import WORK, decoded, different, measure

    for name in WORK:
        yield from _costs(name, measure(ARGOSY, BUILD, name, runs))
    if shutil.which("tshark"):
        yield "radecode", Result(decoded(ARGOSY, BUILD), "flows/CPU s")
    yield "radump, all different", Result(different(), "payloads/CPU s")


def bench_web(_runs: int) -> Results:
    """The page on 10 million flows: first paint after a start, interactions of one client and of twenty."""
    from tests.bench.web import measure, quantile

    pace = measure(ARGOSY, BUILD)
    yield "web, columns of 10 M flows made", Result(pace.prepared, "s")
    yield "web, first page after a start", Result(pace.started, "s")
    yield "web, first page of a running server", Result(pace.first_paint, "s")
    if pace.paint is not None:
        yield "web, first paint in Chromium", Result(pace.paint.first, "ms")
        yield "web, figures drawn in Chromium", Result(pace.paint.whole, "ms")
    asked = (("one client", pace.alone), ("20 clients at once", pace.together), ("20 people", pace.paced))
    for label, values in asked:
        yield f"web, interaction of {label}, median", Result(1000 * quantile(values, 0.5), "ms")
        yield f"web, interaction of {label}, p95", Result(1000 * quantile(values, 0.95), "ms")
    yield "web, memory of its own", Result(pace.private_bytes / 1e6, "MB")
    yield "web, memory with mapped columns, peak", Result(pace.peak_bytes / 1e6, "MB")


SUITE: Suite = {
    "ra": bench_ra,
    "clients": bench_clients,
    "pictures": bench_pictures,
    "inventories": bench_inventories,
    "payload": bench_payload,
    "web": bench_web,
}
