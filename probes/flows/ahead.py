"""Looking ahead: packets are decoded, and the memory of their flows asked for, before the first is counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.packet import decode
from probes.duplicates.judge import look_at
from probes.duplicates.layout import PRINTS
from probes.flows import layout as at
from probes.flows import table
from probes.flows.identity import add_to_key
from probes.flows.rows import ask_for
from topics.compiled import inlined, prefetch

AHEAD = 32  # packets
LAST_HEADER_BYTE = 53  # of Ethernet, IPv4 and TCP


@inlined
def look_ahead(
    data: Any,
    packets: Any,
    start: int,
    settings: Any,
    rows: Any,
    ahead_keys: Any,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    seen: int,
    judging: Any,
) -> Any:
    """Decode the next packets and ask for the memory of their flows, so that its latency is spent once for all of them.

    `seen` packets of the feed came before. Returns the number of the first packet that is not decoded.
    """
    end = min(len(packets), (start | (AHEAD - 1)) + 1)
    tunnels, additions = settings[at.TUNNELS], settings[at.KEY_ADDITIONS]
    for number in range(start, end):
        if number + AHEAD < len(packets):
            prefetch(data, packets[number + AHEAD].offset)
            prefetch(data, packets[number + AHEAD].offset + LAST_HEADER_BYTE)
        packet = packets[number]
        row, key = rows[number & (AHEAD - 1)], ahead_keys[number & (AHEAD - 1)]
        decode(data, packet.offset, packet.captured, packet.length, packet.link_type, tunnels, row)
        end_of_packet = packet.offset + packet.captured
        judging[PRINTS][number & (AHEAD - 1)] = look_at(data, end_of_packet, row, seen + number - start, judging)
        if additions:
            add_to_key(row, additions)
        key[at.TURNED] = table.make_key(row, key, settings)
        prefetch(index, np.int64(table.place_of(index, key[at.HASH])))
    for number in range(start, end):
        slot = table.likely(index, ahead_keys[number & (AHEAD - 1)])
        ahead_keys[number & (AHEAD - 1), at.LIKELY] = slot
        if slot != table.NOT_FOUND:
            prefetch(keys[slot], 0)
            ask_for(flows[slot], at.BUSY_FLOW_LINE)
            row, turned = rows[number & (AHEAD - 1)], ahead_keys[number & (AHEAD - 1), at.TURNED]
            me = sides[slot, turned]
            ask_for(me, at.BUSY_LINE)
            ask_for(me, at.KEPT_LINE)
            ask_for(me, at.IDLE_LINE if row[h.TCP] and not row[h.APP_BYTES] else at.ACTIVE_LINE)
            if row[h.TCP]:
                ask_for(sides[slot, 1 - turned], at.KEPT_LINE)
    return end
