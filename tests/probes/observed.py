"""Frames through the probe, for tests: what a few packets become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.capture.link_types import ETHERNET
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from probes.flows.probe import FlowProbe, ProbeSettings
from topics.batch import FlowBatch, Records, concatenate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
CLIENT, SERVER = "10.1.0.5", "10.2.0.9"

TimedFrame = tuple[float, bytes]


def block(frames: Sequence[TimedFrame], link_type: int = ETHERNET) -> PacketBlock:
    """Frames at seconds after START as one block."""
    packets = np.zeros(len(frames), PACKET_DTYPE)
    offset = 0
    for packet, (seconds, frame) in zip(packets, frames, strict=True):
        packet["time"] = START + round(seconds * SECOND)
        packet["offset"], packet["captured"], packet["length"] = offset, len(frame), len(frame)
        packet["link_type"] = link_type
        offset += len(frame)
    data = bytearray().join(frame for _, frame in frames)  # writable, as from a file: another type for kernels if not
    return PacketBlock(np.frombuffer(data or bytearray(1), np.uint8), packets)


def batch_of(blocks: Iterable[PacketBlock], **settings: Any) -> FlowBatch:
    """All status records that the blocks lead to, to the end of the run, with the heap they refer to."""
    probe = FlowProbe(ProbeSettings(**settings))
    batches = [batch for part in blocks for batch in probe.observe(part)]
    return concatenate([*batches, *probe.flush()])


def records_of(blocks: Iterable[PacketBlock], **settings: Any) -> Records:
    """All status records that the blocks lead to, to the end of the run."""
    return batch_of(blocks, **settings).records


def counts_of(frames: Sequence[TimedFrame], link_type: int = ETHERNET, **settings: Any) -> dict[str, int]:
    """What the probe counts about itself when it sees the frames."""
    probe = FlowProbe(ProbeSettings(**settings))
    list(probe.observe(block(frames, link_type)))
    return probe.counts()


def heap_field(batch: FlowBatch, record: Any, name: str) -> bytes:
    """A field of variable length of a record."""
    start = int(record[f"{name}_offset"])
    return batch.heap[start : start + int(record[f"{name}_length"])].tobytes()


def observed(frames: Sequence[TimedFrame], link_type: int = ETHERNET, **settings: Any) -> Records:
    """All status records of the frames."""
    return records_of([block(frames, link_type)], **settings)


def only(records: Records) -> Any:
    """The one record there is."""
    assert len(records) == 1, f"{len(records)} records"
    return records[0]
