"""A capture replayed into a wire: every packet that was sent is counted, or counted as dropped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench.live import replay

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
    ("speed", "options"),
    [
        (["--pps", "50000", "--loop", "20"], []),
        (["--topspeed", "--loop", "40"], []),
        (["--topspeed", "--loop", "40"], ["-s", "65535", "--buffer", "1048576"]),  # the smallest ring, and whole frames
    ],
)
def test_packets_sent_are_packets_counted_and_packets_dropped(
    wire: Wire, sample: Path, speed: list[str], options: list[str]
) -> None:
    result = replay(wire, ARGOSY, sample, speed, options)
    assert result.sent == 3831 * int(speed[-1])
    assert result.counted + result.dropped == result.sent
    assert result.recorded == result.counted
