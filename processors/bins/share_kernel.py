"""What the pieces of records get of their counters: what split.py says of arrays, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.bins.split import EXACT, LARGEST
from topics.compiled import inlined
from topics.rows.words import floats_at, integers_at


@inlined
def _proportion(total: Any, part: Any, whole: Any) -> Any:
    """Return total * part // whole as `proportion` does."""
    if part == whole:
        return total
    least = max(whole, np.int64(1))
    quotient, rest = total // least, total % least
    if least <= EXACT:
        return quotient * part + rest * part // least
    return quotient * part + min(np.int64(min(rest * (part / least), LARGEST)), rest)


def share(
    is_float: int,
    values: int,
    packets: int,
    count: int,
    owners: int,
    upto: int,
    before: int,
    out: int,
    cuts: int,
) -> None:
    """Write to `out` what each of some pieces of records gets of a counter.

    `owners` says which of `count` records each is a piece of, `values` and `packets` are of those; `upto` and `before`
    are how many of its packets were sent until its end and before it. All are int64, but `values` and `out` doubles
    when told so.
    """
    sources, whole = integers_at(owners, cuts), integers_at(packets, count)
    ends, starts = integers_at(upto, cuts), integers_at(before, cuts)
    if is_float:
        doubles, shares = floats_at(values, count), floats_at(out, cuts)
        for number in range(cuts):
            record = sources[number]
            shares[number] = doubles[record] * (ends[number] - starts[number]) / max(whole[record], np.int64(1))
    else:
        numbers, parts = integers_at(values, count), integers_at(out, cuts)
        for number in range(cuts):
            total, sent = numbers[sources[number]], whole[sources[number]]
            parts[number] = _proportion(total, ends[number], sent) - _proportion(total, starts[number], sent)
