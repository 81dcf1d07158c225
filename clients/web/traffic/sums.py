"""What flows add up to: in all, by what they are told apart by, and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.summaries.sums_kernel import (
    DST_BYTES,
    DST_PACKETS,
    FLOWS,
    LATENCIES,
    LOST,
    SRC_BYTES,
    SRC_PACKETS,
    SUMS,
    add_up,
    add_up_in_time,
)
from processors.summaries.warm import fixed

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows

Numbers = np.ndarray[Any, Any]
METRICS = ("bytes", "sbytes", "dbytes", "pkts", "spkts", "dpkts", "flows", "lost", "loss", "rtt")


class Sums(NamedTuple):
    """`sums` of shape (..., SUMS), int64, and `latencies` of shape (..., LATENCIES): how many and their sum (s)."""

    sums: Numbers
    latencies: Numbers

    def metric(self, name: str) -> Numbers:
        """Return one of METRICS; of `loss` and `rtt` nan where there is nothing to take it of."""
        sums = self.sums
        plain = {"sbytes": SRC_BYTES, "dbytes": DST_BYTES, "spkts": SRC_PACKETS, "dpkts": DST_PACKETS}
        plain |= {"flows": FLOWS, "lost": LOST}
        if name in plain:
            chosen: Numbers = sums[..., plain[name]]
            return chosen
        packets: Numbers = sums[..., SRC_PACKETS] + sums[..., DST_PACKETS]
        if name in {"loss", "rtt"}:
            parts = (sums[..., LOST], packets) if name == "loss" else (self.latencies[..., 1], self.latencies[..., 0])
            with np.errstate(divide="ignore", invalid="ignore"):
                mean: Numbers = parts[0] / parts[1]
            return mean
        whole: Numbers = sums[..., SRC_BYTES] + sums[..., DST_BYTES]
        return packets if name == "pkts" else whole


def described(sums: Sums, place: int) -> dict[str, Any]:
    """Return the sums at a place as pages have them."""
    numbers = [int(number) for number in sums.sums[place]]
    packets = numbers[SRC_PACKETS] + numbers[DST_PACKETS]
    many, total = sums.latencies[place]
    return {
        "flows": numbers[FLOWS],
        "pkts": packets,
        "spkts": numbers[SRC_PACKETS],
        "dpkts": numbers[DST_PACKETS],
        "bytes": numbers[SRC_BYTES] + numbers[DST_BYTES],
        "sbytes": numbers[SRC_BYTES],
        "dbytes": numbers[DST_BYTES],
        "lost": numbers[LOST],
        "loss": numbers[LOST] / packets if packets else 0.0,
        "rtt": total / many if many else None,
    }


def counters(rows: Rows) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers, Numbers, Numbers]:
    """Return what the kernels add up, after the mask."""
    file = rows.file.columns
    packets, sizes = (file["src_packets"], file["dst_packets"]), (file["src_bytes"], file["dst_bytes"])
    return rows.mask, *packets, *sizes, file["lost"], file["latency"]


def once(columns: tuple[Numbers, ...]) -> tuple[Numbers, ...]:
    """Return the columns of both ends so that a flow counts once where both have the same value."""
    if len(columns) < 2:
        return columns
    first, second = columns
    same = first == second
    if not same.any():
        return columns
    return first, fixed(np.where(same, second.dtype.type(0), second))


def sums_by(engine: Engine, question: Question, asked: Asked, by: str) -> Sums:
    """Return the sums of each value of a field, at its number in the vocabulary; a flow counts for either end."""

    def of_file(rows: Rows) -> tuple[Numbers, Numbers, Numbers]:
        coded = engine.columns.coded(rows.file, by)

        def made() -> tuple[Numbers, Numbers]:
            size = len(coded.everywhere)
            found = np.zeros((size, SUMS), np.int64), np.zeros((size, LATENCIES), np.float64)
            for column in once(coded.columns):
                add_up(column, *counters(rows), *found)
            return found

        return (coded.everywhere, *engine.part(rows, question, ("sums", by), made))

    parts = engine.each(question, asked, of_file)
    size = len(engine.columns.vocabulary(by).words)
    total = Sums(np.zeros((size, SUMS), np.int64), np.zeros((size, LATENCIES), np.float64))
    for everywhere, sums, latencies in parts:
        total.sums[everywhere] += sums
        total.latencies[everywhere] += latencies
    return total


def sums_in_time(
    engine: Engine, question: Question, asked: Asked, by: str, chosen: list[int], begin: int, step: int, bins: int
) -> Sums:
    """Return sums of shape (places, bins): of the chosen values of a field, and last of all others.

    Bins are `step` ns from `begin` on; a flow counts at its first packet.
    """
    places = np.full(len(engine.columns.vocabulary(by).words) if by else 1, len(chosen), np.int64)
    places[chosen] = np.arange(len(chosen))

    def of_file(rows: Rows) -> tuple[Numbers, Numbers]:
        shape = (len(chosen) + 1, bins)
        found = np.zeros((*shape, SUMS), np.int64), np.zeros((*shape, LATENCIES), np.float64)
        start = rows.file.columns["start"]
        if not by:
            add_up_in_time(fixed(np.zeros(1, np.uint32)), places, start, begin, step, *counters(rows), *found)
            return found
        coded = engine.columns.coded(rows.file, by)
        known = np.where(coded.everywhere < len(places), coded.everywhere, 0)
        for column in coded.columns:
            add_up_in_time(column, places[known], start, begin, step, *counters(rows), *found)
        return found

    parts = engine.each(question, asked, of_file)
    shape = (len(chosen) + 1, bins)
    total = Sums(np.zeros((*shape, SUMS), np.int64), np.zeros((*shape, LATENCIES), np.float64))
    for sums, latencies in parts:
        total.sums[...] += sums
        total.latencies[...] += latencies
    return total


def totals(engine: Engine, question: Question, asked: Asked) -> dict[str, Any]:
    """Return what all flows of a question add up to."""
    found = sums_by(engine, question, asked, "proto")
    whole = Sums(found.sums.sum(axis=0, keepdims=True), found.latencies.sum(axis=0, keepdims=True))
    return described(whole, 0)
