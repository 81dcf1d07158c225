"""One frame to one row of facts."""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.decode.link import network_header
from probes.decode.network import network
from topics.compiled import inlined


@inlined
def decode(data: Any, offset: int, captured: int, length: int, link_type: int, row: Any) -> None:
    """Fill `row` (int64[headers.COLUMNS]) with what the frame at `offset` says; reads nothing past `captured`."""
    for column in range(h.COLUMNS):
        row[column] = 0
    row[h.WIRE_LENGTH] = length
    end = offset + captured
    at, ethertype = network_header(data, offset, end, link_type, row)
    network(data, at, end, offset + length, ethertype, row)
