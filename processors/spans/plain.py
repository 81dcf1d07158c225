"""Sums of batches that have nothing to tell about mirror ports but how many packets there were: most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.spans.sums import Place
from topics.native import Native, address_of
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from topics.batch import Records

# How the kernel gives its answer: periods that the records of a batch may lie in, none of them, words beside them.
PERIODS, NONE, FOUND = 64, -1, 4
FIELDS = (
    "observer",
    *(f"{side}_{name}" for name in ("last", "duplicate_packets", "packets", "vlan") for side in ("src", "dst")),
)
_places: Any = FLOW_DTYPE.fields
PLACES = np.array([_places[name][1] for name in FIELDS], np.int64)
_plain_packets = Native("processors.spans.plain_kernel", "plain_packets", 8)


class Plain(NamedTuple):
    """Packets by number of the period, of one place; the time of the newest (ns)."""

    packets: dict[int, int]
    place: Place
    newest: int


def plain_packets(records: Records, period: int, first: int) -> Plain | None:
    """Return the sums of records of one observer and one VLAN without copies, None where they are others.

    Periods are of `period` ns; records of one before `first` count in that.
    """
    records = np.ascontiguousarray(records)
    packets, found = np.empty(PERIODS, np.int64), np.zeros(FOUND, np.int64)
    where, room, told = address_of(records), address_of(packets), address_of(found)
    _plain_packets(where, records.itemsize, len(records), address_of(PLACES), period, first, room, told)
    is_plain, begin, vlan, newest = found.tolist()
    if not is_plain:
        return None
    seen = {begin + number: count for number, count in enumerate(packets.tolist()) if count != NONE}
    return Plain(seen, Place(int(records["observer"][0]), vlan), newest)
