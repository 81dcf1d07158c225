"""Kernels that read on by themselves: the records are those of a file that Python reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from probes.capture import feed, reader
from probes.capture.packet_range import PacketRange
from probes.captures import CaptureSource
from probes.control.plane import ControlPlane
from probes.flows.probe import ProbeSettings
from probes.sensor import Sensor
from probes.status import Identity, StatusReporter
from tests.checked_kernels import run_checked
from tests.traffic.bulk.capture import write_bulk
from tests.traffic.packets import udp_frame
from tests.traffic.pcap import pcap_bytes, write_pcap
from topics.probe_status import ProbeStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from probes.capture.packets import PacketBlock

PACKETS = 20_000
SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
MINUTE = Identity("1", "", 60 * SECOND)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("feed") / "a.pcap"
    write_bulk(path, PACKETS)
    return path


def story(paths: list[Path], *, lends: bool, **settings: Any) -> tuple[list[bytes], list[Any], list[str], int]:
    """Everything a probe says of captures, and how many blocks it was given."""
    source = CaptureSource([str(path) for path in paths], lends=lends)
    sensor = Sensor(ProbeSettings(**settings))
    reporter = StatusReporter(sensor, source, MINUTE, lambda: START)
    records, statuses, blocks = [], [], 0
    for block in source:
        blocks += 1
        for piece in reporter.watch(block):
            if isinstance(piece, ProbeStatus):
                statuses.append(piece)
            else:
                records += [batch.records.tobytes() + batch.heap.tobytes() for batch in sensor.take(piece)]
    records += [batch.records.tobytes() + batch.heap.tobytes() for batch in sensor.flush()]
    return records, [*statuses, *reporter.finish(), sensor.totals], [str(error) for error in source.errors], blocks


def assert_same(paths: list[Path], **settings: Any) -> None:
    lent, read = (story(paths, lends=lends, **settings) for lends in (True, False))
    assert lent[:3] == read[:3]


@pytest.mark.parametrize("settings", [{}, {"payload_bytes": 64, "max_flows": 256, "status_interval": SECOND}])
@pytest.mark.parametrize(
    ("window", "at_once"), [(1 << 21, 1 << 25), (1 << 21, 1), (4096, 1 << 25), (1 << 15, 100_000), (700, 1 << 20)]
)
def test_records_and_statuses_are_the_same_however_much_is_read_at_once(
    capture: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], window: int, at_once: int
) -> None:
    monkeypatch.setattr(reader, "WINDOW_BYTES", window)
    monkeypatch.setattr(feed, "READ_AT_ONCE", at_once)
    assert_same([capture], **settings)


def test_most_of_a_file_is_read_by_the_kernel(capture: Path) -> None:
    interval = {"status_interval": SECOND}
    assert story([capture], lends=True, **interval)[3] < story([capture], lends=False, **interval)[3]


def _truncated(content: bytes) -> bytes:
    return content[:-9]


def _damaged(content: bytes) -> bytes:
    half = len(content) // 2
    return content[:half] + b"\xff" * 64 + content[half:]


@pytest.mark.parametrize("harm", [_truncated, _damaged])
@pytest.mark.parametrize("window", [4096, 1 << 21])
def test_damage_is_told_with_its_place(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[bytes], bytes], window: int
) -> None:
    monkeypatch.setattr(reader, "WINDOW_BYTES", window)
    path = tmp_path / "b.pcap"
    path.write_bytes(harm(capture.read_bytes()))
    assert_same([path])
    assert len(story([path], lends=True)[2]) == 1


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_a_run_ends_where_time_steps_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, byte_order: str) -> None:
    monkeypatch.setattr(reader, "WINDOW_BYTES", 4096)
    times = [START + number * SECOND // 10 for number in range(300)]
    frame = udp_frame("10.0.0.1", "10.0.0.2", 1000, 53, b"x" * 30)
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_bytes([(at, frame) for at in times * 3], byte_order=byte_order))
    assert_same([path, path])
    assert len([part for part in story([path], lends=True)[0] if not part]) == 3


def test_a_packet_longer_than_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WINDOW_BYTES", 512)
    frames = [udp_frame("10.0.0.1", "10.0.0.2", 1000, 53, b"x" * size) for size in (10, 1400, 20, 60_000, 30, 5)]
    write_pcap(tmp_path / "a.pcap", [(START + number, frame) for number, frame in enumerate(frames)])
    assert_same([tmp_path / "a.pcap"])


def test_who_wants_some_packets_gets_all_of_them(capture: Path) -> None:
    def marked(*, lends: bool) -> int:
        plane = ControlPlane(ProbeSettings())
        sensor = Sensor(plane.settings, protocols=plane.protocols)
        found = 0
        for block in CaptureSource([str(capture)], lends=lends):
            list(sensor.take(block))
            found += len(sensor.marks(block).places)
        return found

    assert marked(lends=True) == marked(lends=False) > 0


def test_a_range_of_packets_is_counted_by_python(capture: Path) -> None:
    def blocks(source: CaptureSource) -> list[PacketBlock]:
        return list(source)

    source = CaptureSource([str(capture)], lends=True, packet_range=PacketRange("5-17000"))
    assert all(block.feed is None for block in blocks(source))
    source = CaptureSource([str(capture)], lends=True)
    assert all(block.feed for block in blocks(source))


def test_a_file_that_is_followed_is_not_lent(capture: Path) -> None:
    source = CaptureSource([str(capture)], lends=True, follow=True, live=True)
    for block in source:
        assert block.feed is None
        source.stop()


def damage(directory: Path, seed: int, rounds: int) -> None:
    """Read captures with some bytes changed, by the kernel and by Python, in windows of any length."""
    random = np.random.default_rng(seed)
    frames = [udp_frame("10.0.0.1", "10.0.0.2", 1 + n % 9, 53, bytes(3 * n)) for n in range(60)]
    whole = pcap_bytes([(START + n * SECOND // 100, frame) for n, frame in enumerate(frames)])
    path, usual = directory / "capture.pcap", reader.WINDOW_BYTES
    for _ in range(rounds):
        content = bytearray(whole[: int(random.integers(40, len(whole) + 1))])
        for place in random.integers(24, len(content), int(random.integers(0, 4))).tolist():
            content[place] = int(random.choice((0, 1, 4, 127, 128, 255)))
        path.write_bytes(content)
        reader.WINDOW_BYTES = int(random.choice((64, 200, 1000, 1 << 21)))
        assert_same([path])
    reader.WINDOW_BYTES = usual


def test_damage_is_told_as_python_tells_it(tmp_path: Path) -> None:
    damage(tmp_path, 1, 100)


@pytest.mark.timeout(300)
def test_damage_is_not_read_past(tmp_path: Path) -> None:
    imports = "from pathlib import Path; from tests.probes.test_feed import damage"
    done = run_checked("-c", f"{imports}; damage(Path({str(tmp_path)!r}), 2, 100)")
    assert done.returncode == 0, done.stderr[-2000:]
