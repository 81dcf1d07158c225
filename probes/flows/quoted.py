"""ICMP errors: finding the flow whose packet an error quotes (RFC 792, 4443)."""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.decode.transport import (
    DNS_PORT,
    ECHO,
    ECHO_V6,
    ICMP,
    ICMPV6,
    REDIRECT,
    TCP,
    TIME_EXCEEDED,
    UDP,
    UNREACHABLE,
)
from probes.decode.tunnel import separate_networks
from probes.flows import layout as at
from probes.flows import table
from probes.flows.identity import add_to_key
from probes.load import be16, be32, be64, u8
from topics.compiled import inlined
from topics.flags import IcmpError

UNREACHABLE_BIT, REDIRECT_BIT = int(IcmpError.UNREACHABLE), int(IcmpError.REDIRECT)
TIME_EXCEEDED_BIT = int(IcmpError.TIME_EXCEEDED)
UNREACHABLE_V6, TIME_EXCEEDED_V6 = 1, 3


@inlined
def _identify(data: Any, place: int, end: int, around: Any, row: Any) -> Any:
    """Fill the identity columns from a quoted header; False when too little of it was captured.

    What lies `around` it, tags, stations and tunnel, is taken to be that of the packet it is about.
    """
    for column in range(h.COLUMNS):
        row[column] = 0
    row[h.VLAN], row[h.INNER_VLAN], row[h.MPLS] = around[h.VLAN], around[h.INNER_VLAN], around[h.MPLS]
    row[h.SRC_MAC], row[h.DST_MAC] = around[h.DST_MAC], around[h.SRC_MAC]
    row[h.TUNNEL_KIND], row[h.TUNNEL_ID] = around[h.TUNNEL_KIND], around[h.TUNNEL_ID]
    if u8(data, place) >> 4 == 4:
        row[h.ETHERTYPE], row[h.PROTOCOL] = h.IPV4, u8(data, place + 9)
        row[h.IP_ID] = be16(data, place + 4)
        row[h.SRC_LOW] = h.MAPPED_IPV4 | be32(data, place + 12)
        row[h.DST_LOW] = h.MAPPED_IPV4 | be32(data, place + 16)
        ports = place + (u8(data, place) & 15) * 4
    else:
        row[h.ETHERTYPE], row[h.PROTOCOL] = h.IPV6, u8(data, place + 6)
        row[h.SRC_HIGH], row[h.SRC_LOW] = be64(data, place + 8), be64(data, place + 16)
        row[h.DST_HIGH], row[h.DST_LOW] = be64(data, place + 24), be64(data, place + 32)
        ports = place + 40
    if ports + 8 > end:
        return False
    protocol = row[h.PROTOCOL]
    if protocol in (TCP, UDP):
        row[h.SRC_PORT], row[h.DST_PORT] = be16(data, ports), be16(data, ports + 2)
        if protocol == UDP and DNS_PORT in (row[h.SRC_PORT], row[h.DST_PORT]) and ports + 10 <= end:
            row[h.DISCRIMINATOR] = be16(data, ports + 8)
    elif (protocol == ICMP and u8(data, ports) == ECHO) or (protocol == ICMPV6 and u8(data, ports) == ECHO_V6):
        row[h.ORDER] = h.FORWARD if protocol == ICMP else h.ENDS
        row[h.SRC_PORT] = u8(data, ports) << 8
        row[h.DST_PORT], row[h.DISCRIMINATOR] = be16(data, ports + 4), be16(data, ports + 6)
    return True


@inlined
def _error_bit(row: Any) -> Any:
    kind = row[h.ICMP_TYPE] >> 8
    if row[h.ETHERTYPE] == h.IPV4:
        if kind == UNREACHABLE:
            return UNREACHABLE_BIT
        if kind == REDIRECT:
            return REDIRECT_BIT
        return TIME_EXCEEDED_BIT if kind == TIME_EXCEEDED else 0
    if kind == UNREACHABLE_V6:
        return UNREACHABLE_BIT
    return TIME_EXCEEDED_BIT if kind == TIME_EXCEEDED_V6 else 0


@inlined
def note_error(
    data: Any,
    end: int,
    row: Any,
    time: int,
    settings: Any,
    spare: Any,
    key: Any,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    extras: Any,
) -> None:
    """Tell the flow that an ICMP error names: what was said, who said it first, as Argus's `inode`, and how soon.

    The time is taken where the packet quoted is the last one of its side, by its IP identification.
    """
    bit = _error_bit(row)
    if not bit or not _identify(data, row[h.QUOTED], end, row, spare):
        return
    separate_networks(spare)
    if settings[at.KEY_ADDITIONS]:
        add_to_key(spare, settings[at.KEY_ADDITIONS])
    turned = table.make_key(spare, key, settings)
    slot = table.find(index, keys, key)
    if slot == table.NOT_FOUND:
        return
    flow, extra = flows[slot], extras[slot]
    if not flow.icmp_error:
        flow.icmp_error_type, flow.icmp_error_code = row[h.ICMP_TYPE] >> 8, row[h.ICMP_TYPE] & 0xFF
        extra[at.ROUTER_HIGH], extra[at.ROUTER_LOW] = row[h.SRC_HIGH], row[h.SRC_LOW]
        extra[at.ERROR_TIME] = 0
    me, same = sides[slot, turned], extra[at.ROUTER_HIGH] == row[h.SRC_HIGH] and extra[at.ROUTER_LOW] == row[h.SRC_LOW]
    if same and not extra[at.ERROR_TIME] and me.packets and me.ip_id == spare[h.IP_ID]:
        extra[at.ERROR_TIME] = max(time - me.last_time, 0)
    flow.icmp_error |= bit
