"""How the flow table is laid out: one row a flow, and a row for each of its two sides.

Fields of a side whose name, with `src_` or `dst_` before it, is a field of FlowRecord are copied into it by name, so a
new metric is a field here and a line in the kernel that counts it. They are as wide as that field, since memory of
many flows is met in memory: a row is a few cache lines, and what comes together is counted in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from probes.decode.headers import DAMAGES
from topics.histograms import COUNTS

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE = 64  # bytes of a cache line, which the rows of both tables begin with
WORD, HALF, QUARTER, OCTET, REAL = "<i8", "<u4", "<u2", "u1", "<f8"

# One row a side, of the canonical ends of the key, a cache line each: what few packets touch, the times between packets
# while nothing was in flight, what all packets touch, the times between the others, and what a flow keeps beyond a
# status record, which is all that a segment touches of the other side. The first four begin anew with each record.
SIDE_LINES = (
    (
        ("lost_packets", WORD),
        ("retransmitted_packets", WORD),
        ("retransmitted_bytes", WORD),
        ("out_of_order_packets", WORD),
        ("gap_bytes", WORD),
        ("zero_window_packets", WORD),
        ("fragments", WORD),
    ),
    (
        ("idle_interval_square_sum", REAL),  # us^2
        ("idle_interval_count", WORD),
        ("idle_interval_sum", WORD),
        ("idle_interval_min", WORD),
        ("idle_interval_max", WORD),
        ("duplicate_packets", WORD),
        ("duplicate_bytes", WORD),
        ("duplicate_lag_sum", WORD),
    ),
    (
        ("first", WORD),
        ("last", WORD),
        ("packets", WORD),
        ("bytes", WORD),
        ("app_bytes", WORD),
        ("size_min", HALF),
        ("size_max", HALF),
        ("encapsulations", HALF),
        ("ip_id", QUARTER),
        ("ip_options", QUARTER),
        ("tcp_flags", QUARTER),
        ("vlan", QUARTER),
        ("ttl", OCTET),
        ("ttl_min", OCTET),
        ("ttl_max", OCTET),
        ("tos", OCTET),
    ),
    (
        ("interval_square_sum", REAL),
        ("interval_count", WORD),
        ("interval_sum", WORD),
        ("interval_min", WORD),
        ("interval_max", WORD),
        ("duplicate_lag_max", WORD),
        ("mpls", HALF),
        ("inner_vlan", QUARTER),
        ("duplicate_vlan", QUARTER),
        ("duplicate_ttl", OCTET),
        ("duplicate_differences", OCTET),
    ),
    (
        ("last_time", WORD),
        ("hole_end", WORD),  # of RTP its source and payload type, 39 bits
        ("hole_time", WORD),
        ("hole_start", HALF),
        ("base_sequence", HALF),
        ("last_sequence", HALF),
        ("last_ack", HALF),
        ("window", HALF),
        ("payload_kept", "<i4"),  # signed: kernels count with them
        ("payload_sent", "<i4"),
        ("last_ip_id", QUARTER),
        ("mss", QUARTER),
        ("window_shift", OCTET),
        ("sequence_known", OCTET),
        ("acked", OCTET),
        ("fin_sent", OCTET),
        ("fin_acked", OCTET),
        ("same_ids", OCTET),
    ),
)
SELDOM_LINE, IDLE_LINE, BUSY_LINE, ACTIVE_LINE, KEPT_LINE = (LINE * line for line in range(len(SIDE_LINES)))
ZEROED = KEPT_LINE  # bytes of a side that start anew with each status record

# One row a flow: what few packets touch, then what all do.
FLOW_LINES = (
    (
        ("flow_start", WORD),
        ("id_high", WORD),
        ("id_low", WORD),
        ("syn_ack_time", WORD),
        ("ack_data_time", WORD),
        ("status_sequence", HALF),
        ("icmp_error", OCTET),
        ("icmp_error_type", OCTET),
        ("icmp_error_code", OCTET),
        ("tunnel_kind", OCTET),
    ),
    (
        ("last_seen", WORD),
        ("timeout", WORD),
        ("src_mac", WORD),
        ("dst_mac", WORD),
        ("tcp_state", HALF),
        ("tcp_options", HALF),
        ("flow_flags", HALF),
        ("events", HALF),
        ("pending", OCTET),
        ("initiator", OCTET),
        ("phase", OCTET),
        ("queued", OCTET),
    ),
)
BUSY_FLOW_LINE = LINE


def _rows(lines: Sequence[Sequence[tuple[str, str]]]) -> np.dtype[np.void]:
    """Return the dtype of a row of whole cache lines, the fields of each behind one another."""
    parts = [np.dtype([(name, kind) for name, kind in line]) for line in lines]
    fields = [
        (name, kind, LINE * number + offset)
        for number, part in enumerate(parts)
        for name, (kind, offset, *_) in (part.fields or {}).items()
    ]
    names, formats, offsets = zip(*fields, strict=True)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": LINE * len(lines)})


SIDE_ROW, FLOW_ROW = _rows(SIDE_LINES), _rows(FLOW_LINES)
SIDE_ROW_BYTES, FLOW_ROW_BYTES = SIDE_ROW.itemsize, FLOW_ROW.itemsize

# One row a flow, for the few flows that have a tunnel or were named in an ICMP error; TUNNEL_KIND and ICMP_ERROR tell.
# Behind these, when asked for, the counts of topics/histograms.py of each side of the key.
EXTRA_COLUMNS = 8
(TUNNEL_ID, OUTER_SRC_HIGH, OUTER_SRC_LOW, OUTER_DST_HIGH, OUTER_DST_LOW, ROUTER_HIGH, ROUTER_LOW, ERROR_TIME) = range(
    EXTRA_COLUMNS
)
HISTOGRAMS = EXTRA_COLUMNS
COUNTED_EXTRA_COLUMNS = HISTOGRAMS + 2 * COUNTS

# One row a flow: the canonical key. Ports are packed; the order of the two ends is by address, then port. Behind that
# of a packet that was looked at ahead stands which row is likely to be its flow.
KEY_WORDS, AHEAD_WORDS = 8, 9
LIKELY = KEY_WORDS
(A_HIGH, A_LOW, B_HIGH, B_LOW, PROTOCOL_PORTS, DISCRIMINATOR, HASH, TURNED) = range(KEY_WORDS)

# What the probe counts about itself.
COUNTERS = (
    "packets",
    "bytes",
    "flows",
    "records",
    "not_captured",
    "evicted",
    "lone_fragments",
    "copies",
    *(f"malformed_{kind}" for kind in DAMAGES),
)
(
    COUNT_PACKETS,
    COUNT_BYTES,
    COUNT_FLOWS,
    COUNT_RECORDS,
    COUNT_NOT_CAPTURED,
    COUNT_EVICTED,
    COUNT_LONE_FRAGMENTS,
    COUNT_COPIES,
) = range(len(COUNTERS) - len(DAMAGES))
BEFORE_MALFORMED = COUNT_COPIES  # kinds of damage count from 1

# The clock of a table, and how it works: int64[SETTINGS]. Times in ns.
SETTINGS = 15
(
    CLOCK,
    STATUS_INTERVAL,
    TUNNELS,
    KEY_ADDITIONS,
    EARLY_CLOSE,
    START_RECORDS,
    PAYLOAD_BYTES,
    TCP_TIMEOUT,
    CLOSED_TIMEOUT,
    ICMP_TIMEOUT,
    ARP_TIMEOUT,
    OTHER_TIMEOUT,
    COUNTED,
    FIRST_SECRET,
    SECOND_SECRET,
) = range(SETTINGS)
COUNTED_SIZES, COUNTED_INTERVALS = 1, 2  # bits of COUNTED: which histograms are asked for
