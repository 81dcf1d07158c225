"""The lean record: what an ordinary record of Argus has, for flows that are kept for long. Files leave out the rest."""

from __future__ import annotations

_SIDES = ("src", "dst")
_OF_BOTH = (
    *(
        f"{kind}_{what}"
        for kind in ("interval", "idle_interval")
        for what in ("count", "sum", "square_sum", "min", "max")
    ),
    *(f"duplicate_{what}" for what in ("lag_sum", "lag_max", "vlan", "ttl", "differences")),
    *("retransmitted_bytes", "gap_bytes", "zero_window_packets", "size_min", "size_max", "ttl_min", "ttl_max", "ip_id"),
    *("ip_options", "base_sequence", "last_sequence", "last_ack", "window", "window_shift", "mss", "mac", "payload"),
    "histograms",
)
LEFT_OUT = frozenset(
    (
        *("flow_id", "flow_start", "duration_sum", "duration_square_sum", "duration_min", "duration_max"),
        *(f"{side}_{name}" for side in _SIDES for name in _OF_BOTH),
    )
)
"""Fields that a lean file has no columns for: zero or empty when it is read, `flow_start` the first packet."""
