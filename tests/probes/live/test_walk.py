from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from probes.capture.packets import PACKET_DTYPE
from probes.live.walk import NOT_READY, STATUS_USER, VLAN_TPID_VALID, VLAN_VALID, give_back, walk
from tests.checked_kernels import run_checked

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[3]
SIZE, START = 4096, 4096
FIRST, GAP = 48, 86  # where the first packet of a block begins, where its frame begins in it
FRAMES = [bytes([number]) * (60 + number) for number in range(9)]


def slot(frame: bytes, last: bool, *, length: int = 0, status: int = 0, tag: tuple[int, int] = (0, 0)) -> bytes:
    """A packet as the kernel lays it out, padded to 16 bytes."""
    size = (GAP + len(frame) + 15) & ~15
    head = struct.pack("<6I2H", 0 if last else size, 5, 7, len(frame), length or len(frame), status, GAP, GAP + 14)
    return (head + struct.pack("<IIH", 0, *tag)).ljust(GAP, b"\0") + frame.ljust(size - GAP, b"\0")


def ring(slots: Sequence[bytes], status: int = STATUS_USER) -> Any:
    """Two blocks, of which the second has the packets."""
    head = struct.pack("<6I", 3, 0, status, len(slots), FIRST, 0).ljust(FIRST, b"\0")
    block = (head + b"".join(slots)).ljust(SIZE, b"\0")
    return np.frombuffer(bytearray(bytes(START) + block), np.uint8)


def walked(memory: Any, snaplen: int = 65535, room: int = 64) -> tuple[list[bytes], Any, int]:
    out = np.zeros(room, PACKET_DTYPE)
    count, wire, _ = walk(memory, START, SIZE, 1, True, snaplen, out)
    places = zip(out["offset"].tolist(), out["captured"].tolist(), strict=True)
    return [memory[at : at + size].tobytes() for at, size in list(places)[: max(0, count)]], out[: max(0, count)], wire


def test_a_block_of_the_kernels_is_left_alone() -> None:
    memory = ring([slot(FRAMES[0], last=True)], status=0)
    assert walk(memory, START, SIZE, 1, True, 65535, np.zeros(1, PACKET_DTYPE)) == (NOT_READY, 0, 0)


def test_the_packets_of_a_block() -> None:
    frames, packets, wire = walked(ring([slot(frame, frame is FRAMES[-1], length=1000) for frame in FRAMES]))
    assert frames == FRAMES
    assert packets["time"].tolist() == [5_000_000_007] * len(FRAMES)
    assert packets["length"].tolist() == [1000] * len(FRAMES)
    assert wire == 1000 * len(FRAMES)


def test_packets_that_the_adapter_stamped_are_told() -> None:
    by_adapter, by_host = 1 << 31, 1 << 29  # TP_STATUS_TS_RAW_HARDWARE, TP_STATUS_TS_SOFTWARE
    slots = [slot(frame, frame is FRAMES[-1], status=by_adapter if frame[0] % 3 else by_host) for frame in FRAMES]
    assert walk(ring(slots), START, SIZE, 1, True, 65535, np.zeros(64, PACKET_DTYPE))[2] == 6


@pytest.mark.parametrize(
    ("status", "tag", "written"),
    [
        (VLAN_VALID | VLAN_TPID_VALID, (0xE064, 0x88A8), b"\x88\xa8\xe0\x64"),
        (VLAN_VALID, (100, 0x9999), b"\x81\x00\x00\x64"),  # kernels before 3.14 do not say which kind of tag
        (VLAN_VALID | VLAN_TPID_VALID, (0, 0x8100), b"\x81\x00\x00\x00"),  # a tag for its priority alone
        (0, (100, 0x8100), b""),
    ],
)
def test_a_tag_is_put_back(status: int, tag: tuple[int, int], written: bytes) -> None:
    frames, packets, _ = walked(ring([slot(FRAMES[5], last=True, status=status, tag=tag)]))
    assert frames == [FRAMES[5][:12] + written + FRAMES[5][12:]]
    assert packets["length"].tolist() == [len(FRAMES[5]) + len(written)]


def test_a_tag_does_not_make_a_packet_longer_than_the_snaplen() -> None:
    frames, packets, _ = walked(ring([slot(FRAMES[0], last=True, status=VLAN_VALID, tag=(1, 0))]), snaplen=62)
    assert (len(frames[0]), packets["length"].tolist()) == (62, [64])


def test_giving_a_block_back_changes_its_status_alone() -> None:
    memory = ring([slot(FRAMES[0], last=True)])
    before = memory.copy()
    give_back(memory, START)
    assert np.flatnonzero(memory != before).tolist() == [START + 8]


def damage(seed: int, rounds: int) -> None:
    """Walk blocks with wrong numbers in them: nothing outside the block is read or written."""
    random = np.random.default_rng(seed)
    whole = ring([slot(frame, frame is FRAMES[-1], status=VLAN_VALID) for frame in FRAMES])
    for _ in range(rounds):
        memory = whole.copy()
        for _ in range(random.integers(1, 20)):
            place = START + int(random.integers(12, 1400))
            memory[place] = random.choice([0, 1, 255, int(random.integers(256))])
        memory[START + 8] = 1
        _, packets, _ = walked(memory, room=int(random.integers(1, 30)))
        assert (packets["offset"] >= START).all()
        assert (packets["offset"] + packets["captured"] <= START + SIZE).all()
        assert (memory[:START] == 0).all()


def test_a_damaged_block_is_not_left() -> None:
    damage(3, 3000)


@pytest.mark.timeout(300)
def test_no_block_is_read_outside_its_bytes() -> None:
    done = run_checked("-c", "from tests.probes.live.test_walk import damage\ndamage(5, 3000)")
    assert done.returncode == 0, done.stderr[-2000:]
