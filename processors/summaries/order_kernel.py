"""Which rows come first in an order, without sorting all of them: how many fall into each of some equal intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import kernel


@kernel
def limits(values: Any, mask: Any, found: Any) -> None:
    """Lower `found[0]` to the least value, raise `found[1]` to the largest, and count the rows in `found[2]`."""
    everything = len(mask) == 0
    for row in range(len(values)):
        if everything or mask[row]:
            value = float(values[row])
            found[0] = min(found[0], value)
            found[1] = max(found[1], value)
            found[2] += 1


@kernel
def count_between(values: Any, mask: Any, low: float, high: float, counts: Any) -> None:
    """Count the values from `low` to `high` in as many equal intervals as `counts` has places."""
    everything, scale, last = len(mask) == 0, len(counts) / (high - low), len(counts) - 1
    for row in range(len(values)):
        if everything or mask[row]:
            value = float(values[row])
            if low <= value <= high:
                counts[min(int((value - low) * scale), last)] += 1


@kernel
def count_below(values: Any, mask: Any, low: float) -> int:
    """Return how many values are below `low`."""
    everything, found = len(mask) == 0, 0
    for row in range(len(values)):
        if (everything or mask[row]) and float(values[row]) < low:
            found += 1
    return found


@kernel
def rows_between(values: Any, mask: Any, low: float, high: float, skipped: int, rows: Any) -> int:
    """Put the rows whose values are from `low` to `high` into `rows`, after so many that are skipped.

    Return how many there were, skipped or put; no more are looked for than there is room for.
    """
    everything, found = len(mask) == 0, 0
    for row in range(len(values)):
        if (everything or mask[row]) and low <= float(values[row]) <= high:
            if found >= skipped:
                if found - skipped == len(rows):
                    break
                rows[found - skipped] = row
            found += 1
    return found


@kernel
def rows_by_code(codes: Any, many: int) -> Any:
    """Return all rows (uint32) by their code, which is below `many`; those of one code as they lie."""
    begins = np.zeros(many + 1, np.int64)
    for row in range(len(codes)):
        begins[codes[row] + 1] += 1
    for code in range(many):
        begins[code + 1] += begins[code]
    rows = np.empty(len(codes), np.uint32)
    for row in range(len(codes)):
        rows[begins[codes[row]]] = row
        begins[codes[row]] += 1
    return rows
