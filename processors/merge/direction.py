"""Which of two records of opposite direction is turned round (racluster's correction of direction)."""

from __future__ import annotations

from typing import Any

from processors.merge.records import ICMP, ICMPV6, PROTOCOL, TCP_STATE, first_packet
from topics.compiled import inlined
from topics.flags import TcpState

TCP = 6
SYN = int(TcpState.SYN)
ACCEPTED = int(TcpState.SYN_ACK | TcpState.ESTABLISHED)

APART, TURN_RECORD, TURN_FLOW = range(3)


@inlined
def direction(flow: Any, slot: Any, record: Any, row: Any) -> Any:
    """Decide for a record whose key is the other direction of that of a flow.

    TCP: two SYN are two connections (APART); a record with the SYN, or with SYN-ACK and established, knows best, else
    the flow does. ICMP: the flow asked or was asked. All others: who began earlier.
    """
    protocol = record.octets[row, PROTOCOL]
    if protocol == TCP:
        new, kept = record.ints[row, TCP_STATE], flow.ints[slot, TCP_STATE]
        if new & SYN and kept & SYN:
            return APART
        return TURN_FLOW if new & SYN or new & ACCEPTED == ACCEPTED else TURN_RECORD
    if protocol in (ICMP, ICMPV6):
        return TURN_RECORD
    began = first_packet(record, row)
    return TURN_FLOW if 0 < began < first_packet(flow, slot) else TURN_RECORD
