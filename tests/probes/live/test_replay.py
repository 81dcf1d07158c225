"""A capture replayed into a wire: every packet that was sent is counted, or counted as dropped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench.live import replay, segments, tcpreplay

if TYPE_CHECKING:
    from tests.probes.live.wire import Wire

ROOT = Path(__file__).resolve().parents[3]
ARGOSY = [sys.executable, "-m", "clients.main"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("tcpreplay") is None:
        pytest.skip("apt-get install tcpreplay")
    path = tmp_path_factory.mktemp("sample") / "sample.pcap"
    subprocess.run([sys.executable, "-m", "tests.traffic", "sample", path], check=True, cwd=ROOT)
    return path


@pytest.mark.parametrize(
    "options",
    [[], ["-s", "65535", "--buffer", "1048576"]],  # the usual ring; the smallest one, and whole frames
)
def test_packets_replayed_are_packets_counted_and_packets_dropped(wire: Wire, sample: Path, options: list[str]) -> None:
    result = replay(wire, ARGOSY, tcpreplay(sample, "--topspeed", "--loop", "40"), options)
    assert result.sent == 3831 * 40
    assert result.counted + result.dropped == result.sent
    assert result.recorded == result.counted


def test_packets_at_a_rate_are_packets_counted_and_packets_dropped(wire: Wire) -> None:
    result = replay(wire, ARGOSY, segments(100_000, 1.5))
    assert result.sent == 150_016  # whole large segments
    assert result.counted + result.dropped == result.sent
    assert result.recorded == result.counted
