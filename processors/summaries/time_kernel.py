"""Walks over columns of flows: what they add up to in bins of time, counters spread over the time of their flow.

Packets are shared as `rabins` shares them (processors/bins/split.py): the first at once, the last at the end, others
evenly between; bytes and losses go with them, so that what all bins have is the whole. Here both sides of a flow last
as long as the flow does: columns of pages know no more.
"""

from __future__ import annotations

from typing import Any

from processors.summaries.sums_kernel import DST_BYTES, DST_PACKETS, FLOWS, LOST, SRC_BYTES, SRC_PACKETS, code_of
from topics.compiled import inlined, kernel

AFTER = 2.0
EXACT = 3_037_000_499  # packets: the square still fits into an int64


@inlined
def sent_until(packets: int, share: float) -> int:
    """Return how many of so many packets were sent after a share of the time of their flow, AFTER the end all."""
    if share > 1.0 or packets <= 1:
        return packets
    return min(int((packets - 1) * share), packets - 2) + 1


@inlined
def part_of(total: int, part: int, whole: int) -> int:
    """Return total * part // whole without overflow; beyond EXACT as near as a float tells."""
    if part >= whole:
        return total
    quotient, rest = total // whole, total % whole
    return quotient * part + (rest * part // whole if whole <= EXACT else int(rest * (part / whole)))


@kernel
def add_up_in_time(
    codes: Any,
    places: Any,
    start: Any,
    end: Any,
    begin: int,
    step: int,
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
    """Add each row to `sums[place, bin]` (shape (places, bins, SUMS)), `places` saying which place a code has.

    `start` and `end` are int64 ns, as `begin`, where the first bin is, and `step`. Packets, bytes and losses count in
    the bins in which they were sent, and nowhere what was sent outside all bins; a flow and its round trip count where
    it begins, in the first bin if that is before all of them.
    """
    everything, bins = len(mask) == 0, sums.shape[1]
    for row in range(len(src_packets)):
        if not (everything or mask[row]):
            continue
        place = places[code_of(codes, row)]
        moment = (start[row] - begin) // step
        last = (end[row] - begin) // step
        own = min(max(moment, 0), bins - 1)
        sums[place, own, FLOWS] += 1
        if latency[row] > 0:
            latencies[place, own, 0] += 1
            latencies[place, own, 1] += latency[row]
        out, back = int(src_packets[row]), int(dst_packets[row])
        out_bytes, back_bytes, missing = int(src_bytes[row]), int(dst_bytes[row]), int(lost[row])
        if last <= moment:
            if 0 <= moment < bins:
                sums[place, moment, SRC_PACKETS] += out
                sums[place, moment, DST_PACKETS] += back
                sums[place, moment, SRC_BYTES] += out_bytes
                sums[place, moment, DST_BYTES] += back_bytes
                sums[place, moment, LOST] += missing
            continue
        length = float(end[row] - start[row])
        before = (0, 0, 0, 0, 0)
        for each in range(max(moment, -1), min(last, bins - 1) + 1):
            share = (begin + (each + 1) * step - start[row]) / length if each < last else AFTER
            sent, answered = sent_until(out, share), sent_until(back, share)
            size, answered_size = part_of(out_bytes, sent, out), part_of(back_bytes, answered, back)
            upto = (sent, answered, size, answered_size, part_of(missing, sent + answered, out + back))
            if each >= 0:
                sums[place, each, SRC_PACKETS] += upto[0] - before[0]
                sums[place, each, DST_PACKETS] += upto[1] - before[1]
                sums[place, each, SRC_BYTES] += upto[2] - before[2]
                sums[place, each, DST_BYTES] += upto[3] - before[3]
                sums[place, each, LOST] += upto[4] - before[4]
            before = upto
