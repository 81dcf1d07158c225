"""What travels: the codec, records of Argus, the bus with TLS and over links between sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.result import ARGOSY, BUILD, Result, beside

if TYPE_CHECKING:
    from tests.bench.result import Results, Suite

SECURED_RUNS = 6  # of the probe, one after the other: 1.2 million records, or the broker would mostly be compiling
BACKLOG_COPIES = 5  # of 200,000 records that wait for a link


def bench_codec(runs: int) -> Results:
    """Records per second both ways, the full schema."""
    from tests.bench.codec import measure

    rates = measure(rounds=runs)
    yield "codec, out", Result(rates.encoded, "records/s")
    yield "codec, in", Result(rates.decoded, "records/s")
    yield "codec, size", Result(rates.record_bytes, "bytes/record")


def bench_argus(runs: int) -> Results:
    """Records of Argus in and out, beside ra on the same file."""
    from tests.bench.argus import measure

    rates = measure(ARGOSY, BUILD, runs)
    if rates is None:
        return
    yield "argus in, ra printing", beside(rates.decoded, "records/CPU s", rates.printed)
    yield "argus in, ra copying", beside(rates.decoded, "records/CPU s", rates.copied)
    yield "argus in, racount", beside(rates.decoded, "records/CPU s", rates.counted)
    yield "argus out, ra copying", beside(rates.encoded, "records/CPU s", rates.copied)


def bench_secured(runs: int) -> Results:
    """Records to Kafka with TLS, SCRAM and the spool, beside the same without any of it."""
    from tests.bench.probe import captures
    from tests.bench.records import status_batches
    from tests.bench.secured import measure

    once = status_batches(captures(BUILD)[0])
    batches = [batch.replace(boot_id=run) for run in range(1, SECURED_RUNS + 1) for batch in once]
    rates = measure(batches, runs)
    for compression, rate in rates.secured.items():
        yield f"bus, TLS, {compression}, spool", beside(rate, "records/s", rates.plain)
        yield f"bus, TLS, {compression}, spool, least of pairs", Result(rates.least[compression], "of plain")


def bench_sites(_runs: int) -> Results:
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


SUITE: Suite = {
    "codec": bench_codec,
    "argus": bench_argus,
    "secured": bench_secured,
    "sites": bench_sites,
}
