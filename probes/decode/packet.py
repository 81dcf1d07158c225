"""One frame to one row of facts."""

from __future__ import annotations

from typing import Any

from probes.capture.link_types import ETHERNET
from probes.decode import headers as h
from probes.decode.link import ethernet, first_header
from probes.decode.network import network
from probes.decode.straight import straight
from topics.compiled import inlined

MAX_LAYERS = 12  # Ethernet frames and IP headers inside each other


@inlined
def layers(data: Any, offset: int, captured: int, length: int, link_type: int, tunnels: int, row: Any) -> None:
    """Fill a row of zeros, but for the length, by one header after the other."""
    end, wire_end = offset + captured, offset + length
    at, kind = first_header(data, offset, end, link_type, row)
    for _ in range(MAX_LAYERS):
        if kind == h.FRAME:
            at, kind = ethernet(data, at, end, row)
        else:
            at, end, wire_end, kind = network(data, at, end, wire_end, kind, tunnels, row)
            if kind == h.NOTHING:
                break


@inlined
def decode(data: Any, offset: int, captured: int, length: int, link_type: int, tunnels: int, row: Any) -> None:
    """Fill `row` (int64[headers.COLUMNS]) with what the frame at `offset` says; reads nothing past `captured`.

    A packet in a tunnel is described from the inside, with the kind, identifier and ends of its innermost tunnel beside
    it; `tunnels` says which ones are opened (see probes/decode/tunnel.py).
    """
    for column in range(h.COLUMNS):
        row[column] = 0
    row[h.WIRE_LENGTH] = length
    if link_type != ETHERNET or not straight(data, offset, captured, length, row):
        layers(data, offset, captured, length, link_type, tunnels, row)
