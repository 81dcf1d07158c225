"""What most batches are to mirror ports: records of one observer and one VLAN without copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.spans.plain import FIELDS, FOUND, NONE, PERIODS
from topics.compiled import inlined
from topics.rows.words import integers_at, load_quarter, load_whole

TAG = 0xFFF
IS_PLAIN, BEGIN, VLAN, NEWEST = range(FOUND)
# Places in the array that says where fields are.
OBSERVER, LASTS, COPIES, PACKETS, VLANS = 0, (1, 2), (3, 4), (5, 6), (7, 8)


@inlined
def _last(record: int, places: Any) -> Any:
    return max(np.int64(load_whole(record + places[LASTS[0]])), np.int64(load_whole(record + places[LASTS[1]])))


@inlined
def _add(records: int, stride: int, count: int, places: Any, period: int, first: int, packets: Any, found: Any) -> Any:
    observer, vlan, newest = load_whole(records + places[OBSERVER]), np.int64(NONE), np.int64(0)
    begin = max(max(_last(records, places) // period, first) - PERIODS // 2, first)
    for row in range(count):
        record = records + row * stride
        copies = load_whole(record + places[COPIES[0]]) | load_whole(record + places[COPIES[1]])
        last = _last(record, places)
        number = max(last // period, first) - begin
        if load_whole(record + places[OBSERVER]) != observer or copies or number < 0 or number >= PERIODS:
            return False
        packets[number] = max(packets[number], 0)
        for side in range(2):
            seen = np.int64(load_whole(record + places[PACKETS[side]]))
            if seen:
                tag = np.int64(load_quarter(record + places[VLANS[side]])) & TAG
                if vlan == NONE:
                    vlan = tag
                if tag != vlan:
                    return False
                packets[number] += seen
        newest = max(newest, last)
    found[BEGIN], found[VLAN], found[NEWEST] = begin, vlan, newest
    return True


def plain_packets(
    records: int, stride: int, count: int, places: int, period: int, first: int, packets: int, found: int
) -> None:
    """Sum up the packets of records by the period of their last one, if they are plain, which found[IS_PLAIN] says.

    All but numbers are addresses. `places` (int64) says where FIELDS lie in a record of `stride` bytes. `packets`
    (int64[PERIODS]) become those of the periods from found[BEGIN] on, NONE where there is no record; found[VLAN] is
    where they were, and found[NEWEST] the time of the newest (ns). What comes late counts in period `first`.
    """
    sums, told = integers_at(packets, PERIODS), integers_at(found, FOUND)
    for number in range(PERIODS):
        sums[number] = NONE
    told[IS_PLAIN] = _add(records, stride, count, integers_at(places, len(FIELDS)), period, first, sums, told)
