"""What a flow in the table costs: nanoseconds a packet with few flows and with a million, and bytes a flow."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from probes.capture.link_types import ETHERNET
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from probes.flows.probe import FlowProbe, ProbeSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW, MANY = 1_000, 1_000_000
BLOCK_PACKETS = 16_384
PACKETS = 3_000_000
FRAME = 60
SECOND = 1_000_000_000
GAP = 1_000  # ns between packets


@dataclass(frozen=True, slots=True)
class TableCost:
    """CPU nanoseconds a packet with FEW and with MANY flows, and bytes of memory a flow of the MANY."""

    few: float
    many: float
    bytes_per_flow: float


def _blocks(flows: int, first: int, count: int, random: np.random.Generator) -> Iterator[PacketBlock]:
    """Packets of flows in random order, each flow once before any comes again."""
    head = np.zeros(FRAME, np.uint8)
    head[12:14], head[14], head[16:18], head[22:24] = (8, 0), 0x45, (0, 46), (64, 17)
    head[34:38], head[38:40] = (19, 136, 39, 16), (0, 26)
    made = 0
    while made < count:
        for part in np.array_split(random.permutation(flows).astype(">u4"), max(1, flows // BLOCK_PACKETS)):
            data = np.tile(head, (len(part), 1))
            data[:, 26:30] = part.view(np.uint8).reshape(-1, 4)
            packets = np.zeros(len(part), PACKET_DTYPE)
            packets["time"] = SECOND + (first + made + np.arange(len(part))) * GAP
            packets["offset"] = np.arange(len(part)) * FRAME
            packets["captured"] = packets["length"] = FRAME
            packets["link_type"] = ETHERNET
            made += len(part)
            yield PacketBlock(data.reshape(-1), packets)


def _observe(probe: FlowProbe, blocks: Iterator[PacketBlock]) -> float:
    """Return CPU seconds of the probe alone."""
    spent = 0.0
    for block in blocks:
        begun = time.thread_time()
        for _ in probe.observe(block):
            pass
        spent += time.thread_time() - begun
    return spent


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def _rate(flows: int) -> tuple[float, float]:
    """CPU nanoseconds a packet, and bytes of memory a flow."""
    before = _resident()
    probe = FlowProbe(ProbeSettings(status_interval=3600 * SECOND, max_flows=1 << 20, count_copies=True))
    random = np.random.default_rng(1)
    _observe(probe, _blocks(flows, 0, flows, random))
    seconds = _observe(probe, _blocks(flows, flows, PACKETS, random))
    if probe.active_flows != flows:
        raise RuntimeError(f"{probe.active_flows} flows in the table instead of {flows}")
    return seconds / PACKETS * 1e9, (_resident() - before) / flows


def measure() -> TableCost:
    """Return the cost of packets of few and of many flows, status records apart."""
    few, _ = _rate(FEW)
    many, memory = _rate(MANY)
    return TableCost(few, many, memory)
