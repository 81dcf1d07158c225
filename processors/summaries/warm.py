"""Compiles the kernels for the arrays that pages have them walk over: all but their results are read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from processors.summaries.fold_kernel import add_at, add_in_time
from processors.summaries.latency_kernel import CLASSES, spread
from processors.summaries.order_kernel import count_below, count_between, limits, rows_between, rows_by_code
from processors.summaries.packed_kernel import LANES, NUMBERS, TIMES, first_rows, unpack
from processors.summaries.sums_kernel import LATENCIES, SUMS, add_up, first_and_last
from processors.summaries.tables_kernel import add_up_tables
from processors.summaries.time_kernel import add_up_in_time

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    Numbers = np.ndarray[Any, Any]


def fixed(array: Numbers) -> Numbers:
    """Return an array that is not written to: kernels are compiled once for such arrays, not twice."""
    array = array.view()
    array.flags.writeable = False
    return array


def warm_up() -> None:
    """Compile them."""
    mask, start, latency = fixed(np.zeros(0, np.bool_)), _column(np.int64), _column(np.float32)
    some = _column(np.uint32)
    counters = mask, some, some, some, some, some, latency
    for kind in (np.uint32, np.uint16):
        codes = _column(kind)
        add_up(codes, *counters, np.zeros((1, SUMS), np.int64), np.zeros((1, LATENCIES)))
        first_and_last(codes, mask, start, start, np.zeros((1, 2), np.int64))
        sums = np.zeros((1, 1, SUMS), np.int64), np.zeros((1, 1, LATENCIES))
        add_up_in_time(codes, np.zeros(1, np.int64), start, start, 0, 1, *counters, *sums)
    one = np.zeros(1, np.int64)
    sevenfold = tuple(each * 7 for each in ((some,), (fixed(one),)))  # as many as clients/web/traffic/tables.py has
    sums_of_all = (np.zeros((1, SUMS), np.int64),) * 7, (np.zeros((1, LATENCIES)),) * 7
    add_up_tables(sevenfold[0], sevenfold[0], sevenfold[1], *counters, *sums_of_all)
    for numbers in (np.zeros((1, SUMS), np.int64), np.zeros((1, LATENCIES))):
        add_at(one, fixed(numbers), numbers.copy())
        add_in_time(one, one, fixed(numbers[None]), numbers[None].copy())
    together = fixed(np.zeros((1, LANES), np.uint32))
    unpack(together, together.view(np.int64), some, np.zeros((TIMES, 1), np.int64), np.zeros((NUMBERS, 1), np.uint32))
    first_rows(together, 0, np.zeros(1, np.uint32))
    rows_by_code(_column(np.uint32), 1)
    spread(start, 0, 1, mask, latency, np.zeros((1, CLASSES), np.int64))
    for values in (start, _column(np.float64)):
        limits(values, mask, np.zeros(3))
        count_between(values, mask, 0.0, 1.0, np.zeros(2, np.int64))
        count_below(values, mask, 0.0)
        rows_between(values, mask, 0.0, 1.0, 0, np.zeros(1, np.int64))


def _column(kind: DTypeLike) -> Numbers:
    return fixed(np.zeros(1, kind))
