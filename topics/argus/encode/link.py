"""Layer 2 and errors of ICMP in a record of Argus."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.encode.words import INT64, ROUTER, SEVERAL_MACS, is_any_set, put_six, turned
from topics.compiled import inlined

KNOWN_ENCAPSULATIONS = 0x1FFFFFFF  # all but the one that is ours


@inlined
def put_link(record: Any, out: Any, p: Any) -> Any:
    """Write what the frames had before the network header."""
    if is_any_set(record.src_mac) or is_any_set(record.dst_mac):
        several = 3 if record.flow_flags & SEVERAL_MACS else 0
        out[p] = at.MAC << 24 | several << 8 | 5
        out[p + 2] = 0
        put_six(record.dst_mac, out, p + 1, 0)
        put_six(record.src_mac, out, p + 2, 1)
        out[p + 4] = INT64(record.ethertype) << 16
        p += 5
    if record.src_vlan or record.dst_vlan:
        which = (1 if record.src_vlan else 0) | (2 if record.dst_vlan else 0)
        out[p] = at.VLAN << 24 | which << 8 | 2
        out[p + 1] = INT64(record.src_vlan) << 16 | INT64(record.dst_vlan)
        p += 2
    if record.dst_mpls:
        out[p] = at.MPLS << 24 | 3 << 16 | 0x11 << 8 | 3
        out[p + 1], out[p + 2] = record.src_mpls, record.dst_mpls
        p += 3
    elif record.src_mpls:
        out[p] = at.MPLS << 24 | 1 << 16 | 0x10 << 8 | 2
        out[p + 1] = record.src_mpls
        p += 2
    src, dst = INT64(record.src_encapsulations), INT64(record.dst_encapsulations)
    if (src | dst) & KNOWN_ENCAPSULATIONS:
        out[p] = at.ENCAPSULATIONS << 24 | 3
        out[p + 1], out[p + 2] = src & KNOWN_ENCAPSULATIONS, dst & KNOWN_ENCAPSULATIONS
        p += 3
    return p


@inlined
def put_icmp_error(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    """Write MAC addresses, VLAN, MPLS and encapsulations."""
    if not record.icmp_error:
        return p
    for word in range(8):
        out[p + word] = 0
    out[p] = at.ICMP_ERROR << 24 | INT64(record.icmp_error) << 8 | 8
    out[p + 1] = INT64(record.icmp_error_type) << 24 | INT64(record.icmp_error_code) << 16
    out[p + 2] = turned(words[row, ROUTER + 3])
    return p + 8
