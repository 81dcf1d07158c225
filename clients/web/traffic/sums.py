"""What flows add up to: in all, by what they are told apart by, and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clients.web.columns.coded import FAST, Coded
from clients.web.columns.totals import KINDS, Part, counters, once, part_of
from processors.summaries.fold_kernel import add_at, add_in_time
from processors.summaries.sums_kernel import (
    DST_BYTES,
    DST_PACKETS,
    FLOWS,
    LATENCIES,
    LOST,
    SRC_BYTES,
    SRC_PACKETS,
    SUMS,
)
from processors.summaries.time_kernel import add_up_in_time
from processors.summaries.warm import fixed

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows
    from clients.web.columns.totals import Totals

Numbers = np.ndarray[Any, Any]
ALL_AS_ONE = Coded((fixed(np.zeros(1, np.uint32)),), np.zeros(1, np.int64))
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


def sums_by(engine: Engine, question: Question, asked: Asked, by: str) -> Sums:
    """Return the sums of each value of a field, at its number in the vocabulary; a flow counts for either end."""
    at_hand: Sums | None = engine.known_sums(question, by)
    if at_hand is not None:
        return _grown(at_hand, len(engine.columns.vocabulary(by).words))

    def of_piece(rows: Rows) -> Part:
        coded = engine.columns.coded(rows.file, by)

        def made() -> Part:
            if rows.everything and by in KINDS:
                found = engine.totals(rows.file).parts[by]
            else:
                found = part_of(rows.file, coded.columns, len(coded.everywhere), rows.mask)
            return found._replace(codes=coded.everywhere[found.codes])

        return engine.part(rows, question, ("sums", by), made)

    look = engine.together if by in FAST else engine.each
    parts = look(question, asked, of_piece)
    size = len(engine.columns.vocabulary(by).words)
    total = empty((size,))
    for codes, sums, latencies in parts:
        add_at(codes, sums, total.sums)
        add_at(codes, latencies, total.latencies)
    return total


def _grown(found: Sums, size: int) -> Sums:
    """Return sums with as many places as there are values by now."""
    missing = size - len(found.sums)
    if not missing:
        return found
    return Sums(*(np.concatenate([each, np.zeros((missing, each.shape[1]), each.dtype)]) for each in found))


def sums_in_time(
    engine: Engine, question: Question, asked: Asked, by: str, chosen: list[int], begin: int, step: int, bins: int
) -> Sums:
    """Return sums of shape (places, bins): of the chosen values of a field, and last of all others.

    Bins are `step` ns from `begin` on; what a flow sent is spread over its time; what lies outside is left out.
    """
    places = np.full(len(engine.columns.vocabulary(by).words) if by else 1, len(chosen), np.int64)
    places[chosen] = np.arange(len(chosen))

    def of_piece(rows: Rows) -> Sums:
        found = empty((len(chosen) + 1, bins))
        coded = engine.columns.coded(rows.file, by) if by else ALL_AS_ONE
        known = places[np.where(coded.everywhere < len(places), coded.everywhere, 0)]
        if rows.everything and _from_minutes(engine.totals(rows.file), by, known, begin, step, found):
            return found
        for column in once(coded.columns):
            times, counted = rows.file.columns, counters(rows.file, rows.mask)
            add_up_in_time(column, known, times["start"], times["last_seen"], begin, step, *counted, *found)
        return found

    total = empty((len(chosen) + 1, bins))
    look = engine.together if not by or by in FAST else engine.each
    for sums, latencies in look(question, asked, of_piece):
        total.sums[...] += sums
        total.latencies[...] += latencies
    return total


def empty(shape: tuple[int, ...]) -> Sums:
    """Return sums of nothing yet."""
    return Sums(np.zeros((*shape, SUMS), np.int64), np.zeros((*shape, LATENCIES), np.float64))


def _from_minutes(totals: Totals, by: str, places: Numbers, begin: int, step: int, found: Sums) -> bool:
    """Add the sums of minutes to those of the bins they lie in; tell whether that could be done."""
    minutes = totals.minutes.get(by or "proto")
    bins = None if minutes is None else minutes.bins(begin, step, found.sums.shape[1])
    if minutes is None or bins is None:
        return False
    if not by:
        places = np.zeros(len(minutes.sums), np.int64)
    add_in_time(places, bins, minutes.sums, found.sums)
    add_in_time(places, bins, minutes.latencies, found.latencies)
    return True


def totals(engine: Engine, question: Question, asked: Asked) -> dict[str, Any]:
    """Return what all flows of a question add up to."""
    found = sums_by(engine, question, asked, "proto")
    whole = Sums(found.sums.sum(axis=0, keepdims=True), found.latencies.sum(axis=0, keepdims=True))
    return described(whole, 0)
