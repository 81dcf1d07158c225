"""What may be added to the key of a flow, as ARGUS_FLOW_KEY and ARGUS_FLOW_TYPE of Argus."""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from topics.compiled import inlined

VLAN_KEY, MPLS_KEY, MAC_KEY, UNIDIRECTIONAL = 1, 2, 4, 8
FOLDED = 0x9E3779B1


@inlined
def add_to_key(row: Any, additions: int) -> None:
    """Keep flows apart by more than their ends; MAC addresses are the same for both directions."""
    extra = 0
    if additions & VLAN_KEY:
        extra ^= ((row[h.VLAN] & 0xFFF) << 12 | (row[h.INNER_VLAN] & 0xFFF)) + 1
    if additions & MPLS_KEY:
        extra = (extra * FOLDED) ^ (row[h.MPLS] >> 12)
    if additions & MAC_KEY:
        both = row[h.SRC_MAC] ^ row[h.DST_MAC]
        extra = (extra * FOLDED) ^ both ^ (both >> 24)
    row[h.DISCRIMINATOR] = (row[h.DISCRIMINATOR] ^ (extra * FOLDED)) & 0xFFFFFFFF
    if additions & UNIDIRECTIONAL:
        row[h.ORDER] = h.FORWARD
