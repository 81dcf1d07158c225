"""Records of Argus in and out, beside ra on the same file: the marginal cost, start-up apart."""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.clients import records
from tests.bench.processes import run
from topics.argus.decoder import ArgusDecoder
from topics.argus.encoder import ArgusEncoder
from topics.argus.management import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from topics.batch import FlowBatch

READ_AT_ONCE = 1 << 21


@dataclass(frozen=True, slots=True)
class Rates:
    """Records a CPU second: decoded, encoded, and of ra printing its columns, copying, and of racount."""

    decoded: float
    encoded: float
    printed: float
    copied: float
    counted: float


def _decode(data: bytes) -> int:
    decoder, count = ArgusDecoder("bench"), 0
    for first in range(0, len(data), READ_AT_ONCE):
        for batch in decoder.feed(data[first : first + READ_AT_ONCE]):
            count += len(batch)
    return count


def _encode(batches: list[FlowBatch]) -> int:
    encoder = ArgusEncoder()
    for batch in batches:
        encoder.encode(batch)
    return encoder.records


def _rate(work: Callable[[], int], runs: int) -> float:
    work()
    rates = []
    for _ in range(runs):
        began = time.process_time()
        rates.append(work() / (time.process_time() - began))
    return statistics.median(rates)


def measure(argosy: str, build: Path, runs: int) -> Rates | None:
    """Return the rates; None where argus is not installed."""
    _, file = records(argosy, build)
    if file is None or not shutil.which("ra"):
        return None
    data = file.read_bytes()
    batches = list(ArgusDecoder("bench").feed(data[: len(data) // 8 // 4 * 4]))
    count = _decode(data)

    few = build / "bench-few.argus"
    few.write_bytes(data[:SIZE])

    def cost(of: Path, command: tuple[str, ...]) -> float:
        whole = [command[0], "-X", "-r", str(of), *command[1:]]
        return statistics.median(run(whole, statuses=(0, 1)).cpu for _ in range(runs))

    def beside(*command: str) -> float:
        return count / max(cost(file, command) - cost(few, command), 1e-3)

    return Rates(
        decoded=_rate(lambda: _decode(data), runs),
        encoded=_rate(lambda: _encode(batches), runs),
        printed=beside("ra", "-n"),
        copied=beside("ra", "-w", "-"),
        counted=beside("racount"),
    )
