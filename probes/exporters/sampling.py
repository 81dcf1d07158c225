"""Counters of sampled packets as what they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.exporters import layout as at
from probes.exporters.options import MOST_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.exporters.exporter import Stream

Int64 = np.ndarray[Any, np.dtype[np.int64]]

MOST_COUNT = 1 << 48
COUNTERS = (at.PLACES["packets"], at.PLACES["bytes"], at.PLACES["reverse_packets"], at.PLACES["reverse_bytes"])


def apply_sampling(rows: Int64, streams: Sequence[Stream]) -> None:
    """Multiply packets and bytes by the rate of sampling, which stays in column `sampling` (1: all were counted).

    A rate in the record counts first, then that of the sampler it names, then that of the interface that took the
    packets in (where that is not told: the one they left by), then that of its stream. Counters stay within the MOST
    that they were decoded with.
    """
    rates = rows[:, at.SAMPLING]
    _named(rows, rates, streams)
    _by_interface(rows, rates, streams)
    spaced = np.flatnonzero(rows[:, at.SAMPLING_SPACE] > 0)
    if len(spaced):
        taken = np.maximum(rates[spaced], 1)
        rates[spaced] = (taken + rows[spaced, at.SAMPLING_SPACE]) // taken
    np.clip(rates, 1, MOST_RATE, out=rates)
    sampled = np.flatnonzero(rates > 1)
    if len(sampled):
        for column in COUNTERS:
            limit = MOST_COUNT // rates[sampled]
            rows[sampled, column] = np.minimum(rows[sampled, column], limit) * rates[sampled]


def _by_interface(rows: Int64, rates: Int64, streams: Sequence[Stream]) -> None:
    """Take the rates of interfaces, where they are told apart."""
    numbers = rows[:, at.EXPORTER]
    silent = (rows[:, at.SAMPLER] == 0) & (rows[:, at.SAMPLING_SPACE] == 0)
    for number in np.unique(numbers).tolist():
        stream = streams[number]
        if not stream.interface_rates:
            continue
        mine = np.flatnonzero(silent & (numbers == number) & ((rates <= 1) | (rates == stream.sampling)))
        came, left = (rows[mine, at.FORWARD + column] for column in (at.IN_INTERFACE, at.OUT_INTERFACE))
        interfaces = np.where(came > 0, came, left)
        for interface in np.unique(interfaces).tolist():
            if rate := stream.interface_rates.get(interface, 0):
                rates[mine[interfaces == interface]] = rate


def _named(rows: Int64, rates: Int64, streams: Sequence[Stream]) -> None:
    """Take the rates of samplers that records name."""
    named = np.flatnonzero(rows[:, at.SAMPLER])
    if not len(named):
        return
    pairs = rows[named][:, (at.EXPORTER, at.SAMPLER)]
    for number, sampler in {(number, sampler) for number, sampler in pairs.tolist()}:
        stream = streams[number]
        rate = stream.exporter.samplers.get((stream.domain, sampler), 0)
        if rate:
            mine = named[(pairs[:, 0] == number) & (pairs[:, 1] == sampler)]
            rates[mine[(rates[mine] == 0) | (rates[mine] == stream.sampling)]] = rate
