"""Capture files with wrong bytes in them: packets inside the file, or one error that names it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probes.capture.reader import CaptureReader
from tests.checked_kernels import run_checked
from tests.traffic.packets import udp_frame
from tests.traffic.pcap import Interface, Packet, pcap_bytes, pcapng_block, pcapng_bytes
from topics.errors import CaptureError

ROOT = Path(__file__).resolve().parents[2]
START = 1_790_000_000 * 1_000_000_000
VALUES = [0, 1, 2, 3, 4, 6, 8, 11, 12, 127, 128, 254, 255]


def wholes() -> list[bytes]:
    """Captures with every kind of block, in both byte orders."""
    frames = [udp_frame("10.0.0.1", "10.0.0.2", 1, 2, bytes(n)) for n in range(7)]
    timed = [(START + n, frame) for n, frame in enumerate(frames)]
    interfaces = [
        Interface(resolution=9, offset_seconds=5, name="a"),
        Interface(resolution=0x80 | 20),
        Interface(101, snaplen=40),
    ]
    packets = [Packet(START + n, frame, interface=n % 3, simple=n == 4) for n, frame in enumerate(frames)]
    found = []
    for order in ("<", ">"):
        obsolete = bytes(12) + 2 * (40).to_bytes(4, "little" if order == "<" else "big") + bytes(40)
        found += [
            pcap_bytes(timed, byte_order=order),
            pcapng_bytes(packets, interfaces=interfaces, byte_order=order),
            pcapng_bytes(timed, byte_order=order) + pcapng_block(2, obsolete, order) + pcapng_bytes(timed[:2]),
        ]
    return found


def damage(directory: Path, seed: int, rounds: int) -> int:
    """Read captures with some bytes changed, cut out or doubled; return how many packets came in all."""
    random = np.random.default_rng(seed)
    path, originals, count = directory / "capture", wholes(), 0
    for _ in range(rounds):
        data = bytearray(originals[random.integers(len(originals))])
        for _ in range(random.integers(0, 8)):
            at = int(random.integers(len(data)))
            data[at] = int(random.choice(VALUES)) if random.integers(4) else int(random.integers(256))
        if random.integers(3) == 0:
            at, length = int(random.integers(len(data))), int(random.integers(40))
            data[at:at] = data[at : at + length] if random.integers(2) else b""
            del data[at : at + (length if random.integers(2) else 0)]
        path.write_bytes(data)
        count += packets_in(path, len(data))
    return count


def packets_in(path: Path, size: int) -> int:
    count, told = 0, None
    try:
        for block in CaptureReader(str(path)):
            ends = block.packets["offset"] + block.packets["captured"]
            assert (block.packets["offset"] >= 0).all()
            assert (ends <= len(block.data)).all()
            assert (block.packets["length"] >= block.packets["captured"]).all()
            assert (block.packets["time"] >= 0).all()
            count += len(block.packets)
    except CaptureError as error:
        told = error
    if told:
        assert str(told).startswith(f"{path}: ")
        assert 0 <= told.offset <= size
    return count


def test_damage_is_one_error_or_none(tmp_path: Path) -> None:
    assert damage(tmp_path, 1, 600) > 1200


@pytest.mark.timeout(300)
def test_damage_is_not_read_past(tmp_path: Path) -> None:
    run = f"from tests.probes.test_damaged_captures import *; damage(Path({str(tmp_path)!r}), 2, 600)"
    done = run_checked("-c", run)
    assert done.returncode == 0, done.stderr[-2000:]
