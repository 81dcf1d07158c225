"""How well the probe tells copies from packets sent again, for each kind of fault, and what it costs to look."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from probes.capture.link_types import ETHERNET
from tests.bench.copies_cost import Cost, cost
from tests.traffic.mirrored.conversations import clean
from tests.traffic.mirrored.faults import FAULTS
from tests.traffic.mirrored.render import blocks_of
from tests.traffic.mirrored.score import Score, score, verdicts_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.traffic.mirrored.table import Rows

PACKETS = 1_000_000
COST_PACKETS = 400_000
NANOSECOND_MAGIC = 0xA1B23C4D
SECOND = 1_000_000_000
LOSS = 0.05
SNAPLEN = 65_535


def kinds(packets: int) -> Iterator[tuple[str, Rows]]:
    """Yield a feed without a fault, then each fault, of about `packets` packets; by name."""
    yield "clean, 5 % loss", clean(packets, Random(1), LOSS)
    base = clean(packets // 2, Random(2), LOSS)
    for name, fault in FAULTS.items():
        yield name, fault(base, np.random.default_rng(1))


def scores(packets: int = PACKETS) -> Iterator[tuple[str, Score]]:
    """Yield how the verdicts on each feed compare with the truth."""
    for name, rows in kinds(packets):
        yield name, score(rows, verdicts_on(rows))


def capture(rows: Rows, path: Path) -> None:
    """Write the frames of rows to a file in full length, with nanoseconds."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", NANOSECOND_MAGIC, 2, 4, 0, 0, SNAPLEN, ETHERNET))
        for block in blocks_of(rows):
            data, packets = block.data.tobytes(), block.packets
            for time_, offset, captured, length in packets[["time", "offset", "captured", "length"]].tolist():
                file.write(struct.pack("<IIII", *divmod(time_, SECOND), length, length))
                file.write(data[offset : offset + captured].ljust(length, b"\0"))


def costs(rounds: int) -> Iterator[tuple[str, Cost]]:
    """Yield what judging the packets of each feed costs."""
    for name, rows in kinds(COST_PACKETS):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "capture.pcap")
            capture(rows, path)
            yield name, cost(path, len(rows), rounds)
