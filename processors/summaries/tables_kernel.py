"""One walk over flows that adds them up for several tables at once: by address, by service, by country and so on."""

from __future__ import annotations

from typing import Any

from processors.summaries.sums_kernel import add_one
from topics.compiled import kernel

AT_ONCE = 512  # flows whose counters lie near while table after table is added to


@kernel
def add_up_tables(
    firsts: Any,
    seconds: Any,
    places: Any,
    mask: Any,
    src_packets: Any,
    dst_packets: Any,
    src_bytes: Any,
    dst_bytes: Any,
    lost: Any,
    latency: Any,
    sums: Any,
    latencies: Any,
) -> None:
    """Add each row to `sums[table][place]` and `latencies[table][place]`, of the shapes that add_up has.

    `places[table]` says which place a code has; codes are those of `firsts[table]` and, where that is another place,
    of `seconds[table]` too, which is no column (of no rows) for tables that know one value a flow.
    """
    everything = len(mask) == 0
    for begin in range(0, len(src_packets), AT_ONCE):
        end = min(begin + AT_ONCE, len(src_packets))
        for table in range(len(firsts)):
            first, second, known = firsts[table], seconds[table], places[table]
            total, timed = sums[table], latencies[table]
            for row in range(begin, end):
                if everything or mask[row]:
                    place = known[first[row] if len(first) > 1 else first[0]]
                    add_one(place, row, src_packets, dst_packets, src_bytes, dst_bytes, lost, latency, total, timed)
                    if len(second) > 0:
                        other = known[second[row] if len(second) > 1 else second[0]]
                        if other != place:
                            add_one(
                                other, row, src_packets, dst_packets, src_bytes, dst_bytes, lost, latency, total, timed
                            )
