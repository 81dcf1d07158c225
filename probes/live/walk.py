"""Kernels on a TPACKET_V3 ring: the packets of one block of it, and giving the block back.

Source: the layouts of <linux/if_packet.h>, in the byte order of the machine, which is little endian.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.capture.packets import PACKET_DTYPE
from probes.live.ordering import acquire, release
from probes.load import le16, le32
from topics.compiled import borrowed, inlined, kernel

NOT_READY = -1

# struct tpacket_block_desc
BLOCK_STATUS, BLOCK_PACKETS, BLOCK_FIRST = 8, 12, 16
BLOCK_HEADER = 48
STATUS_USER = 1

# struct tpacket3_hdr
SECONDS, NANOSECONDS, CAPTURED, LENGTH, STATUS, FRAME, VLAN_TCI, VLAN_TPID = 4, 8, 12, 16, 20, 24, 32, 36
PACKET_HEADER = 48
VLAN_VALID, VLAN_TPID_VALID = 1 << 4, 1 << 6
BY_ADAPTER = 31  # bit of the status of a packet whose time stamp the adapter made
SMALLEST_SLOT = 64  # no packet takes less of a block than its header, its link address and padding

MAC_ADDRESSES = 12
TAG = 4
VLAN = 0x8100
NS = 1_000_000_000


@inlined
def _put_tag_back(ring: Any, frame: int, protocol: int, control: int) -> None:
    """Write a frame as it was on the wire: the kernel keeps its outermost VLAN tag apart from it."""
    for number in range(MAC_ADDRESSES):
        ring[frame - TAG + number] = ring[frame + number]
    at = frame - TAG + MAC_ADDRESSES
    ring[at] = protocol >> 8
    ring[at + 1] = protocol & 0xFF
    ring[at + 2] = control >> 8
    ring[at + 3] = control & 0xFF


@kernel
def walk(ring: Any, start: int, size: int, link_type: int, has_tags: int, snaplen: int, out: Any) -> Any:
    """Find the packets of the block of `size` bytes at `start`; their offsets count from the start of the ring.

    Returns (packets found, bytes they had on the wire, packets stamped by the adapter); NOT_READY packets while the
    operating system still owns the block. Tags are put back (`has_tags`: the link is Ethernet) in place, 4 bytes in
    front of the frame.
    """
    ring, out = borrowed(ring), borrowed(out)
    if le32(ring, start + BLOCK_STATUS) & STATUS_USER == 0:
        return NOT_READY, 0, 0
    acquire()
    count, wire, stamped, end = 0, 0, 0, start + size
    at = start + le32(ring, start + BLOCK_FIRST)
    for _ in range(min(le32(ring, start + BLOCK_PACKETS), len(out))):
        if at + PACKET_HEADER > end:
            break
        frame, captured = at + le16(ring, at + FRAME), le32(ring, at + CAPTURED)
        if frame + captured > end:
            break
        length = max(captured, le32(ring, at + LENGTH))
        status = le32(ring, at + STATUS)
        if has_tags and status & VLAN_VALID and captured >= MAC_ADDRESSES and frame - TAG >= at + PACKET_HEADER:
            protocol = le16(ring, at + VLAN_TPID) if status & VLAN_TPID_VALID else VLAN
            _put_tag_back(ring, frame, protocol, le32(ring, at + VLAN_TCI) & 0xFFFF)
            frame -= TAG
            captured = min(captured + TAG, snaplen)
            length += TAG
        packet = out[count]
        packet.time = le32(ring, at + SECONDS) * NS + le32(ring, at + NANOSECONDS)
        packet.offset = frame
        packet.captured = captured
        packet.length = length
        packet.link_type = link_type
        wire += length
        stamped += status >> BY_ADAPTER & 1
        count += 1
        at += le32(ring, at)
    return count, wire, stamped


@kernel
def give_back(ring: Any, start: int) -> None:
    """Let the operating system fill a block again."""
    release()
    for number in range(4):
        ring[start + BLOCK_STATUS + number] = 0


def warm_up() -> None:
    """Compile the kernels."""
    block = np.zeros(BLOCK_HEADER, np.uint8)
    walk(block, 0, len(block), 1, True, 1, np.zeros(1, PACKET_DTYPE))
    give_back(block, 0)
