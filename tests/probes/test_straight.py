"""The short way through usual packets, held against the layers that it leaves out: Juniper's header is not for it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from probes.capture.link_types import ETHERNET, JUNIPER_ETHERNET
from probes.capture.packets import PacketBlock
from probes.decode.tunnel import IP_TUNNELS, UDP_TUNNELS
from tests.probes.observed import block, records_of
from tests.probes.test_malformed import LIES
from tests.traffic.encapsulated import encapsulated_frames
from tests.traffic.encapsulations import juniper
from tests.traffic.sample.story import sample_frames
from topics.flags import Encapsulation

if TYPE_CHECKING:
    from topics.batch import Records

HEADERS = 64  # bytes of a frame that are changed
CHANGED = (2, 12, 13, 14, 16, 17, 20, 21, 23, 34, 35, 36, 37, 38, 39, 46)  # where the two ways ask something
TELLING = (0, 1, 6, 7, 8, 17, 0x45, 0x50, 53, 0x80, 0xFF)
TCP, UDP = 6, 17
MORE = len(juniper(b""))


def changed(frame: bytes, random: Random) -> bytes:
    """Return a frame that says something else in one of its headers, or was cut."""
    other = bytearray(frame[: random.choice((len(frame), HEADERS, random.randrange(HEADERS)))])
    place = random.choice((*CHANGED, random.randrange(HEADERS)))
    if place < len(other):
        other[place] = random.choice((*TELLING, random.randrange(256)))
    return bytes(other)


def seen(frames: list[bytes], longer: list[int], link_type: int, tunnels: int) -> Records:
    """Return the records of frames, each so many bytes longer on the wire, that carry TCP or UDP."""
    whole = block([(0.001 * number, frame) for number, frame in enumerate(frames)], link_type)
    whole.packets["length"] += np.array(longer, np.uint32)
    records = records_of([PacketBlock(whole.data, whole.packets)], tunnels=tunnels, count_copies=True)
    return records[np.isin(records["protocol"], (TCP, UDP))]


@pytest.mark.parametrize("tunnels", [0, IP_TUNNELS | UDP_TUNNELS])
def test_the_short_way_finds_what_the_layers_find(tunnels: int) -> None:
    random = Random(tunnels)
    frames = [bytes(frame) for _, frame in [*sample_frames(1), *encapsulated_frames()]]
    frames += [frame for frame, _ in LIES.values()]
    frames += [changed(random.choice(frames), random) for _ in range(20_000)]
    longer = [random.choice((0, 0, 0, 1, 1400)) for _ in frames]
    ours = seen(frames, longer, ETHERNET, tunnels)
    theirs = seen([juniper(frame) for frame in frames], longer, JUNIPER_ETHERNET, tunnels)
    for side in ("src", "dst"):
        present = theirs[f"{side}_packets"] > 0
        theirs[f"{side}_bytes"] -= MORE * theirs[f"{side}_packets"]
        theirs[f"{side}_size_min"] -= np.where(present, MORE, 0).astype(np.uint32)
        theirs[f"{side}_size_max"] -= np.where(present, MORE, 0).astype(np.uint32)
        theirs[f"{side}_encapsulations"] &= ~np.uint32(Encapsulation.JUNIPER)
    different = [name for name in ours.dtype.names or () if not np.array_equal(ours[name], theirs[name])]
    assert different == []
    assert len(ours) > 1000
