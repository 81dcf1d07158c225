"""Walks that put sums together which were taken before: of pieces, and of minutes."""

from __future__ import annotations

from typing import Any

from topics.compiled import kernel


@kernel
def add_at(places: Any, some: Any, total: Any) -> None:
    """Add each row of `some` (shape (rows, numbers)) to the row of `total` that `places` says."""
    for row in range(len(places)):
        for number in range(some.shape[1]):
            total[places[row], number] += some[row, number]


@kernel
def add_in_time(places: Any, bins: Any, some: Any, total: Any) -> None:
    """Add `some[code, minute]` (each several numbers) to `total[places[code], bins[minute]]`."""
    for code in range(some.shape[0]):
        for minute in range(some.shape[1]):
            for number in range(some.shape[2]):
                total[places[code], bins[minute], number] += some[code, minute, number]
