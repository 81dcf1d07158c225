"""Which flows of several observation points are one conversation."""

from __future__ import annotations

from typing import Any

from topics.compiled import kernel

LOOK_BACK = 64  # flows of one key that may still be the same conversation


@kernel
def _group(
    keys: Any,  # noqa: ANN401 - arrays that only Numba types
    observers: Any,  # noqa: ANN401 - as above
    starts: Any,  # noqa: ANN401 - as above
    ends: Any,  # noqa: ANN401 - as above
    sequences: Any,  # noqa: ANN401 - as above
    tolerance: Any,  # noqa: ANN401 - as above
    groups: Any,  # noqa: ANN401 - as above
) -> Any:  # noqa: ANN401 - as above
    """Give each row, in the order of key and start, the number of its conversation; return how many there are.

    A flow belongs to that of another point which began nearest before it: at most `tolerance` ns before, or so that
    they share half of the shorter one. TCP connections whose handshakes began with other numbers (`sequences`, 0 where
    they were not seen) are never the same.
    """
    count = 0
    for row in range(len(keys)):
        found = -1
        for before in range(row - 1, max(-1, row - 1 - LOOK_BACK), -1):
            if keys[before] != keys[row]:
                break
            if observers[before] == observers[row]:
                continue
            conflict = False
            for side in range(2):
                known = sequences[row, side] != 0 and sequences[before, side] != 0
                conflict |= known and sequences[row, side] != sequences[before, side]
            shared = min(ends[row], ends[before]) - starts[row]
            shorter = min(ends[row] - starts[row], ends[before] - starts[before])
            near = starts[row] - starts[before] <= tolerance
            if not conflict and (near or (shared >= 0 and 2 * shared >= shorter)):
                found = groups[before]
                break
        if found < 0:
            found = count
            count += 1
        groups[row] = found
    return count


def group(keys: Any, observers: Any, starts: Any, ends: Any, sequences: Any, tolerance: int, groups: Any) -> int:  # noqa: ANN401
    """Call the kernel: int64[n] each but `keys`, uint64[n], and `sequences`, int64[n, 2]."""
    return int(_group(keys, observers, starts, ends, sequences, tolerance, groups))
