from __future__ import annotations

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from probes.capture.packet_range import PacketRange
from probes.capture.reader import FOLLOW_LAG, CaptureReader
from probes.captures import CaptureSource
from tests.probes.hand_clock import HandClock
from tests.traffic.packets import udp_frame
from tests.traffic.pcap import compressed, pcap_bytes, pcapng_bytes, write_pcap
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from probes.capture.packets import PacketBlock

SECOND = 1_000_000_000
TIME = 1_790_000_000 * SECOND
FRAMES = [(TIME + n * SECOND, udp_frame("10.0.0.1", "10.0.0.2", 1000 + n, 53, bytes(n))) for n in range(30)]
LENGTHS = [len(frame) for _, frame in FRAMES]


def lengths(blocks: Iterable[PacketBlock]) -> list[int]:
    return [int(length) for block in blocks for length in block.packets["length"]]


def written(path: Path, first: int, last: int) -> str:
    write_pcap(path, FRAMES[first:last])
    return str(path)


def test_files_are_read_one_after_the_other_and_each_up_to_its_damage(tmp_path: Path) -> None:
    paths = [
        written(tmp_path / "a", 0, 10),
        written(tmp_path / "b", 10, 20),
        str(tmp_path / "absent"),
        written(tmp_path / "c", 20, 30),
    ]
    (tmp_path / "b").write_bytes((tmp_path / "b").read_bytes()[:-3])
    source = CaptureSource(paths)
    assert lengths(source) == LENGTHS[:19] + LENGTHS[20:]
    assert [str(error).split(": ")[0] for error in source.errors] == [str(tmp_path / "b"), str(tmp_path / "absent")]


def test_files_that_were_opened_can_be_read_when_their_paths_are_gone(tmp_path: Path) -> None:
    source = CaptureSource([written(tmp_path / "a", 0, 10), str(tmp_path / "absent"), written(tmp_path / "b", 10, 20)])
    source.open()
    for name in ("a", "b"):
        (tmp_path / name).unlink()
    assert lengths(source) == LENGTHS[:20]
    assert [str(error) for error in source.errors] == [f"{tmp_path / 'absent'}: No such file or directory"]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("7", 0, 7), ("1", 0, 1), ("5-5", 4, 5), ("8-23", 7, 23), ("25-99", 24, 30), ("31-40", 30, 30)],
)
def test_a_range_counts_from_one_over_all_files(tmp_path: Path, text: str, first: int, last: int) -> None:
    paths = [written(tmp_path / f"{n}", 10 * n, 10 * n + 10) for n in range(3)]
    source = CaptureSource(paths, packet_range=PacketRange(text))
    assert lengths(source) == LENGTHS[first:last]
    assert source.counters()["out_of_range"] == first


def test_nothing_is_read_behind_a_range(tmp_path: Path) -> None:
    source = CaptureSource([written(tmp_path / "a", 0, 10), str(tmp_path / "absent")], packet_range=PacketRange("10"))
    assert lengths(source) == LENGTHS[:10]
    assert source.errors == []


@pytest.mark.parametrize("text", ["", "0", "5-4", "0-3", "a", "1-", "-5", "1-2-3", "1.5"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(UsageError, match="which packets to take is N or A-B, not "):
        PacketRange(text)


class Growing:
    """A followed file to which a piece is added in every nap, until there are no more; then it is stopped."""

    def __init__(self, path: Path, pieces: list[bytes], after: int = 1) -> None:
        path.write_bytes(pieces[0])
        self.path, self.pieces, self.after = path, pieces[1:], after
        self.clock = HandClock(self.add)
        self.reader = CaptureReader(str(path), follow=True, clock=self.clock)

    def add(self, _nap: int) -> None:
        if self.pieces:
            with self.path.open("ab") as file:
                file.write(self.pieces.pop(0))
        elif self.after:
            self.after -= 1
        else:
            self.reader.stop()


@pytest.mark.parametrize("write", [pcap_bytes, pcapng_bytes])
@pytest.mark.parametrize("step", [1, 7, 40, 1000])
def test_a_growing_capture_is_followed_wherever_its_writer_stops_to_breathe(
    tmp_path: Path, write: Any, step: int
) -> None:
    whole = write(FRAMES[:6])
    growing = Growing(tmp_path / "a", [b"", *(whole[at : at + step] for at in range(0, len(whole), step))])
    assert lengths(growing.reader) == LENGTHS[:6]


def test_a_capture_that_stops_growing_tells_the_time_with_a_lag(tmp_path: Path) -> None:
    growing = Growing(tmp_path / "a", [pcap_bytes(FRAMES[:3])], after=100)
    quiet = [block.now - FRAMES[2][0] for block in growing.reader if not len(block.packets)]
    assert quiet[0] == 0
    assert quiet == sorted(quiet)
    assert quiet[-1] == sum(growing.clock.naps[:-1]) - FOLLOW_LAG > 0


def test_only_the_last_file_is_followed(tmp_path: Path) -> None:
    source = CaptureSource([written(tmp_path / "a", 0, 10), written(tmp_path / "b", 10, 20)], follow=True)
    source.clock = HandClock(lambda _: source.stop())
    assert lengths(source) == LENGTHS[:20]
    assert source.errors == []


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_pipe_is_read_as_it_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    os.mkfifo(path)
    whole = compressed(path, pcap_bytes(FRAMES))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(lambda: lengths(CaptureReader(str(path))))
        with path.open("wb", buffering=0) as pipe:
            for at in range(0, len(whole), 100):
                pipe.write(whole[at : at + 100])
        assert reading.result(60) == LENGTHS


def test_what_came_through_a_pipe_is_given_before_more_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    whole, sent = pcap_bytes(FRAMES), 0
    found: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        blocks = iter(CaptureReader(str(path)))
        first = pool.submit(lambda: next(block for block in blocks if len(block.packets)))
        with path.open("wb", buffering=0) as pipe:
            sent = pipe.write(whole[:-1])
            found += lengths([first.result(60)])
            assert len(found) >= 1  # though the writer still holds the pipe open
            rest = pool.submit(lengths, blocks)
            pipe.write(whole[sent:])
        assert found + rest.result(60) == LENGTHS


@pytest.mark.parametrize("head", [b"", b"\x1f\x8b\x08", pcap_bytes(FRAMES)[:-5]])
def test_a_pipe_from_which_nothing_comes_can_be_stopped(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = CaptureReader(str(path))
    idle = threading.Event()

    def read() -> int:
        count = 0
        for block in reader:
            count += len(block.packets)
            idle.set() if not len(block.packets) else None
        return count

    with ThreadPoolExecutor(1) as pool, path.open("wb", buffering=0) as pipe:
        reading = pool.submit(read)
        pipe.write(head)
        assert idle.wait(60)
        reader.stop()
        assert reading.result(60) == (29 if len(head) > 3 else 0)


def test_standard_input_and_a_file_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BufferedReader(io.BytesIO(pcap_bytes(FRAMES[:5])))

    monkeypatch.setattr("sys.stdin", Piped())
    assert lengths(CaptureSource(["-", written(tmp_path / "a", 5, 10)])) == LENGTHS[:10]
