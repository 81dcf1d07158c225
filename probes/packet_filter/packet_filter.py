"""A packet filter on blocks of packets: compiled anew for each link type that turns up."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from probes.capture.packets import PACKET_DTYPE
from probes.packet_filter.interpreter import select
from probes.packet_filter.libpcap import compile_for_files
from probes.packet_filter.program import MEMORY_WORDS, Words, for_files

if TYPE_CHECKING:
    from probes.capture.packets import PacketBlock

SNAPLEN = 262144


class PacketFilter:
    """Keeps the packets that a libpcap expression selects; raises FilterError when it cannot be compiled.

    `filtered` counts the packets that were left out. An expression that does not fit a link type (`ether host` on raw
    IP) is an error when the first packet of that type comes.
    """

    def __init__(self, expression: str, *, optimize: bool = True) -> None:
        self.expression = expression
        self.optimize = optimize
        self.filtered = 0
        self._programs: dict[int, Words] = {}
        self._memory = np.zeros(MEMORY_WORDS, np.int64)

    def apply(self, block: PacketBlock) -> PacketBlock:
        """Return the block with the selected packets alone; the bytes are shared."""
        packets = block.packets
        if not len(packets):
            return block
        chosen = np.zeros(len(packets), np.bool_)
        for link_type in block.link_types():
            select(self._program(link_type), self._memory, block.data, packets, link_type, chosen)
        if chosen.all():
            return block
        words = packets.view(np.int64).reshape(len(packets), -1)  # NumPy copies records field by field
        kept = words[chosen].view(PACKET_DTYPE).reshape(-1)
        self.filtered += len(packets) - len(kept)
        return dataclasses.replace(block, packets=kept)

    def _program(self, link_type: int) -> Words:
        if link_type not in self._programs:
            compiled = compile_for_files(self.expression, link_type, SNAPLEN, optimize=self.optimize)
            self._programs[link_type] = for_files(compiled, self.expression)
        return self._programs[link_type]
