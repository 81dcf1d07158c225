"""How the flow table is laid out: int64 columns, one row a flow, and a row for each of its two sides.

Columns whose name is a field of FlowRecord (with `src_` or `dst_` before it for sides) are copied into it by name, so a
new metric is a column here and a line in the kernel that counts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.decode.headers import DAMAGES
from topics.histograms import COUNTS
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

# One row a side, of the canonical ends of the key: what a status record takes and zeroes, then what the flow keeps.
# What copies count, what most packets touch and what a segment of TCP touches on both sides begin with a cache line
# each, which is why two columns are empty. The columns of squares (us^2) hold float64.
SIDE_COLUMNS = (
    "",
    "lost_packets",
    "retransmitted_packets",
    "retransmitted_bytes",
    "out_of_order_packets",
    "gap_bytes",
    "zero_window_packets",
    "fragments",
    "vlan",
    "inner_vlan",
    "mpls",
    "idle_interval_squares",
    "idle_interval_count",
    "idle_interval_sum",
    "idle_interval_min",
    "idle_interval_max",
    "",
    "duplicate_packets",
    "duplicate_bytes",
    "duplicate_lag_sum",
    "duplicate_lag_max",
    "duplicate_vlan",
    "duplicate_ttl",
    "duplicate_differences",
    "first",
    "last",
    "packets",
    "bytes",
    "app_bytes",
    "interval_squares",
    "interval_count",
    "interval_sum",
    "interval_min",
    "interval_max",
    "size_min",
    "size_max",
    "ttl",
    "ttl_min",
    "ttl_max",
    "tos",
    "ip_id",
    "ip_options",
    "encapsulations",
    "tcp_flags",
    "last_time",
    "same_ids",
    "base_sequence",
    "fin_acked",
    "last_sequence",
    "last_ack",
    "sequence_known",
    "acked",
    "window",
    "window_shift",
    "fin_sent",
    "last_ip_id",
    "mss",
    "hole_start",
    "hole_end",
    "hole_time",
    "payload_kept",
    "payload_sent",
)
(
    _EMPTY,
    LOST_PACKETS,
    RETRANSMITTED_PACKETS,
    RETRANSMITTED_BYTES,
    OUT_OF_ORDER_PACKETS,
    GAP_BYTES,
    ZERO_WINDOW_PACKETS,
    FRAGMENTS,
    VLAN,
    INNER_VLAN,
    MPLS,
    IDLE_INTERVAL_SQUARES,
    IDLE_INTERVAL_COUNT,
    IDLE_INTERVAL_SUM,
    IDLE_INTERVAL_MIN,
    IDLE_INTERVAL_MAX,
    _EMPTY_TOO,
    DUPLICATE_PACKETS,
    DUPLICATE_BYTES,
    DUPLICATE_LAG_SUM,
    DUPLICATE_LAG_MAX,
    DUPLICATE_VLAN,
    DUPLICATE_TTL,
    DUPLICATE_DIFFERENCES,
    FIRST,
    LAST,
    PACKETS,
    BYTES,
    APP_BYTES,
    INTERVAL_SQUARES,
    INTERVAL_COUNT,
    INTERVAL_SUM,
    INTERVAL_MIN,
    INTERVAL_MAX,
    SIZE_MIN,
    SIZE_MAX,
    TTL,
    TTL_MIN,
    TTL_MAX,
    TOS,
    IP_ID,
    IP_OPTIONS,
    ENCAPSULATIONS,
    TCP_FLAGS,
    LAST_TIME,
    SAME_IDS,
    BASE_SEQUENCE,
    FIN_ACKED,
    LAST_SEQUENCE,
    LAST_ACK,
    SEQUENCE_KNOWN,
    ACKED,
    WINDOW,
    WINDOW_SHIFT,
    FIN_SENT,
    LAST_IP_ID,
    MSS,
    HOLE_START,
    HOLE_END,
    HOLE_TIME,
    PAYLOAD_KEPT,
    PAYLOAD_SENT,
) = range(len(SIDE_COLUMNS))
SIDE_WORDS = 64  # whole cache lines
ZEROED = LAST_TIME  # side columns below this one start anew with each status record
SIDE_BUSY = (FIRST, LAST_TIME)  # first and last of the columns that most packets touch
PEER_BUSY = (LAST_SEQUENCE, LAST_IP_ID)  # and of those that a segment of TCP touches on both sides

# One row a flow: what few packets touch comes first.
FLOW_COLUMNS = (
    "flow_start",
    "status_sequence",
    "id_high",
    "id_low",
    "tunnel_kind",
    "icmp_error",
    "icmp_error_type",
    "icmp_error_code",
    "syn_ack_time",
    "ack_data_time",
    "tcp_state",
    "tcp_options",
    "flow_flags",
    "last_seen",
    "pending",
    "timeout",
    "initiator",
    "phase",
    "events",
    "src_mac",
    "dst_mac",
    "queued",
)
(
    FLOW_START,
    STATUS_SEQUENCE,
    ID_HIGH,
    ID_LOW,
    TUNNEL_KIND,
    ICMP_ERROR,
    ICMP_ERROR_TYPE,
    ICMP_ERROR_CODE,
    SYN_ACK_TIME,
    ACK_DATA_TIME,
    TCP_STATE,
    TCP_OPTIONS,
    FLOW_FLAGS,
    LAST_SEEN,
    PENDING,
    TIMEOUT,
    INITIATOR,
    PHASE,
    EVENTS,
    SRC_MAC,
    DST_MAC,
    QUEUED,
) = range(len(FLOW_COLUMNS))
FLOW_WORDS = 24  # whole cache lines
FLOW_BUSY = (SYN_ACK_TIME, QUEUED)

# One row a flow, for the few flows that have a tunnel or were named in an ICMP error; TUNNEL_KIND and ICMP_ERROR tell.
# Behind these, when asked for, the counts of topics/histograms.py of each side of the key.
EXTRA_COLUMNS = 8
(TUNNEL_ID, OUTER_SRC_HIGH, OUTER_SRC_LOW, OUTER_DST_HIGH, OUTER_DST_LOW, ROUTER_HIGH, ROUTER_LOW, ERROR_TIME) = range(
    EXTRA_COLUMNS
)
HISTOGRAMS = EXTRA_COLUMNS
COUNTED_EXTRA_COLUMNS = HISTOGRAMS + 2 * COUNTS

# One row a flow: the canonical key. Ports are packed; the order of the two ends is by address, then port.
KEY_WORDS = 8
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
SETTINGS = 13
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
) = range(SETTINGS)
COUNTED_SIZES, COUNTED_INTERVALS = 1, 2  # bits of COUNTED: which histograms are asked for


def copies() -> tuple[np.ndarray[Any, np.dtype[np.uint64]], ...]:
    """Return how side columns go into FlowRecord, an array each for fields of 8, 4, 2 and 1 bytes.

    Their rows are (side column, place): the index of the field of `src` in a view of the record as integers of that
    width, which that of `dst` follows. Unsigned, so that kernels need no check for negative indices.
    """
    fields: Mapping[str, Any] = FLOW_DTYPE.fields or {}
    rows: dict[int, list[tuple[int, int]]] = {8: [], 4: [], 2: [], 1: []}
    for column, name in enumerate(SIDE_COLUMNS):
        if f"src_{name}" in fields:
            kind, place = fields[f"src_{name}"][:2]
            rows[kind.itemsize].append((column, place // kind.itemsize))
    return tuple(np.array(found, np.uint64).reshape(-1, 2) for found in rows.values())
