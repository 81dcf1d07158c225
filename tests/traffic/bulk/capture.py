"""A bulk capture window by window: what starts in it, what is still going on, all of it in the order of time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.traffic.bulk.datagrams import lookups, pings, resolutions, scans, streams
from tests.traffic.bulk.noise import Noise
from tests.traffic.bulk.render import render
from tests.traffic.bulk.table import CLIENTS, PACKET, SERVERS, Rows
from tests.traffic.bulk.tcp_sessions import Starts, tcp_sessions
from tests.traffic.pcap import pcap_header

# Shares of what starts: the kinds of conversation and how they become packets.
MIX = ((0.42, tcp_sessions), (0.43, lookups), (0.07, pings), (0.05, streams), (0.02, resolutions), (0.01, scans))
OVER_IPV6 = 0.08
STARTS_PER_WINDOW = 8192
PACKETS_RENDERED_AT_ONCE = 1 << 16

# Measured; it only sets the pace, so that `packets` take about `seconds`.
PACKETS_PER_START = 15.7

# 2026-03-10 09:00:00 UTC.
FIRST_SECOND = 1_773_133_200
SECONDS_PER_PACKET = 600 / 2_000_000


def starts_of_window(random: np.random.Generator, begin: float, end: float) -> Starts:
    """Who talks to whom from when on, evenly over the window (us); few servers are asked for most of the time."""
    count = STARTS_PER_WINDOW
    return Starts(
        time=random.uniform(begin, end, count).astype(np.int64),
        client=random.integers(0, CLIENTS, count),
        server=CLIENTS + (random.pareto(1.1, count) * 40).astype(np.int64) % SERVERS,
        version=np.where(random.random(count) < OVER_IPV6, 6, 4),
    )


def packets_of_window(random: np.random.Generator, begin: float, end: float) -> Rows:
    """All packets of what starts in the window, also those that come after its end; not in order."""
    starts = starts_of_window(random, begin, end)
    kind = random.choice(len(MIX), len(starts), p=[share for share, _ in MIX])
    return np.concatenate([make(random, starts.take(kind == number)) for number, (_, make) in enumerate(MIX)])


def ordered_packets(seed: int, pace: float) -> Iterator[Rows]:
    """Without end: packets in the order of time, in batches; `pace` is the time between two starts in us."""
    random = np.random.default_rng((seed, 0))
    pending = np.zeros(0, PACKET)
    number = 0
    while True:
        begin, end = (number * STARTS_PER_WINDOW * pace, (number + 1) * STARTS_PER_WINDOW * pace)
        pending = np.concatenate([pending, packets_of_window(random, begin, end)])
        complete = pending["time"] < int(end)
        ready, pending = pending[complete], pending[~complete]
        yield ready[np.argsort(ready["time"], kind="stable")]
        number += 1


def bulk_rows(packets: int, seed: int, seconds: float | None = None) -> Iterator[Rows]:
    """Exactly `packets` rows in the order of time, in batches of bounded size.

    Without `seconds` the rate is that of 2 million packets in 600 s, whatever the size: a longer capture is the
    same traffic for a longer time, and a shorter one is its beginning.
    """
    duration = packets * SECONDS_PER_PACKET if seconds is None else seconds
    left = packets
    for ready in ordered_packets(seed, duration * 1_000_000 / packets * PACKETS_PER_START):
        for first in range(0, len(ready), PACKETS_RENDERED_AT_ONCE):
            batch = ready[first : first + PACKETS_RENDERED_AT_ONCE][:left]
            left -= len(batch)
            yield batch
            if left == 0:
                return


def write_bulk(
    path: str | Path, packets: int, *, seed: int = 1, seconds: float | None = None, snaplen: int = 0
) -> None:
    """Write a pcap file of exactly `packets` packets; the same arguments give the same bytes."""
    noise = Noise(seed)
    with Path(path).open("wb") as file:
        file.write(pcap_header(snaplen=snaplen or 262144))
        file.writelines(render(rows, noise, FIRST_SECOND, snaplen).data for rows in bulk_rows(packets, seed, seconds))
