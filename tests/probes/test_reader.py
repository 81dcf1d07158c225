from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from probes.capture.reader import CaptureReader
from tests.traffic.packets import udp_frame
from tests.traffic.pcap import Interface, Packet, pcap_bytes, pcapng_bytes, write_pcap, write_pcapng
from topics.errors import CaptureError, InputError

if TYPE_CHECKING:
    from pathlib import Path

TIME = 1_790_000_000_123_456_789
FRAMES = [
    (TIME + number * 1_000_000, udp_frame("10.0.0.1", "10.0.0.2", 1000 + number, 53, b"x" * number))
    for number in range(5)
]


def read(path: Path | str) -> list[tuple[int, bytes, int, int]]:
    found = []
    for block in CaptureReader(str(path)):
        for packet in block.packets:
            start = int(packet["offset"])
            data = block.data[start : start + int(packet["captured"])].tobytes()
            found.append((int(packet["time"]), data, int(packet["length"]), int(packet["link_type"])))
    return found


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_in_every_order_precision_and_wrapping(
    tmp_path: Path, suffix: str, byte_order: str, nanoseconds: bool
) -> None:
    path = tmp_path / f"a.pcap{suffix}"
    write_pcap(path, FRAMES, byte_order=byte_order, nanoseconds=nanoseconds)
    unit = 1 if nanoseconds else 1000
    assert read(path) == [(time // unit * unit, frame, len(frame), 1) for time, frame in FRAMES]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize(("resolution", "unit"), [(None, 1000), (9, 1), (3, 1_000_000)])
def test_pcapng_in_every_order_resolution_and_wrapping(
    tmp_path: Path, suffix: str, byte_order: str, resolution: int | None, unit: int
) -> None:
    path = tmp_path / f"a.pcapng{suffix}"
    write_pcapng(path, FRAMES, interfaces=[Interface(resolution=resolution)], byte_order=byte_order)
    assert read(path) == [(time // unit * unit, frame, len(frame), 1) for time, frame in FRAMES]


def test_pcapng_resolution_as_a_power_of_two(tmp_path: Path) -> None:
    write_pcapng(tmp_path / "a.pcapng", FRAMES, interfaces=[Interface(resolution=0x80 | 20)])
    for (time, *_), (true, _) in zip(read(tmp_path / "a.pcapng"), FRAMES, strict=True):
        assert 0 <= true - time <= 1_000_000_000 // 2**20 + 1


def test_each_interface_keeps_its_link_type_and_resolution(tmp_path: Path) -> None:
    packets = [Packet(TIME, b"\x45" + bytes(30), interface=1), Packet(TIME, bytes(60), interface=0)]
    write_pcapng(tmp_path / "a.pcapng", packets, interfaces=[Interface(), Interface(link_type=101, resolution=9)])
    assert [(time, link) for time, _, _, link in read(tmp_path / "a.pcapng")] == [(TIME, 101), (TIME // 1000 * 1000, 1)]


def test_sections_of_both_byte_orders_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(pcapng_bytes(FRAMES[:2]) + pcapng_bytes(FRAMES[2:], byte_order=">"))
    assert [frame for _, frame, *_ in read(path)] == [frame for _, frame in FRAMES]


def test_a_simple_packet_takes_the_time_of_the_one_before(tmp_path: Path) -> None:
    packets = [Packet(TIME, FRAMES[0][1]), Packet(0, FRAMES[1][1], simple=True)]
    write_pcapng(tmp_path / "a.pcapng", packets)
    assert [time for time, *_ in read(tmp_path / "a.pcapng")] == [TIME // 1000 * 1000] * 2


def test_length_on_the_wire_beyond_the_snaplen(tmp_path: Path) -> None:
    write_pcap(tmp_path / "a.pcap", [(TIME, FRAMES[0][1][:40], 1514)])
    assert read(tmp_path / "a.pcap")[0][2] == 1514


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BufferedReader(io.BytesIO(pcap_bytes(FRAMES)))

    monkeypatch.setattr(sys, "stdin", Piped())
    assert len(read("-")) == len(FRAMES)


def test_a_capture_larger_than_the_window_is_read_whole(tmp_path: Path) -> None:
    frames = [(TIME + number, bytes([number % 256]) * 1400) for number in range(4000)]
    write_pcap(tmp_path / "a.pcap", frames, nanoseconds=True)
    assert [(time, data) for time, data, *_ in read(tmp_path / "a.pcap")] == frames


def damaged(path: Path) -> tuple[int, CaptureError]:
    found = 0

    def count() -> None:
        nonlocal found
        for block in CaptureReader(str(path)):
            found += len(block.packets)

    with pytest.raises(CaptureError) as caught:
        count()
    return found, caught.value


@pytest.mark.parametrize("write", [pcap_bytes, pcapng_bytes])
@pytest.mark.parametrize("cut", [1, 15, 40])
def test_a_cut_file_gives_everything_up_to_the_cut(tmp_path: Path, write: Any, cut: int) -> None:
    whole = write(FRAMES)
    path = tmp_path / "cut"
    path.write_bytes(whole[:-cut])
    found, error = damaged(path)
    assert found == len(FRAMES) - 1
    assert str(error) == f"{path}: file ends inside a packet at offset {len(write(FRAMES[:-1]))}"


@pytest.mark.parametrize(("suffix", "reason"), [(".gz", "damaged compressed data"), (".zst", "inside")])
def test_a_cut_compressed_file_gives_everything_up_to_the_cut(tmp_path: Path, suffix: str, reason: str) -> None:
    random = np.random.default_rng(1)
    frames = [(TIME, random.bytes(1000)) for _ in range(3000)]
    path = tmp_path / f"a.pcap{suffix}"
    write_pcap(path, frames)
    path.write_bytes(path.read_bytes()[:2_000_000])
    found, error = damaged(path)
    assert 1900 < found < 2000  # the data are random: compressed, they are as long as before
    assert reason in str(error)


def test_a_packet_with_an_impossible_length_is_damage(tmp_path: Path) -> None:
    data = bytearray(pcap_bytes(FRAMES))
    second = 24 + 16 + len(FRAMES[0][1])
    data[second + 8 : second + 12] = b"\xff\xff\xff\x7f"
    (tmp_path / "a").write_bytes(data)
    found, error = damaged(tmp_path / "a")
    assert (found, error.offset) == (1, second)
    assert "impossible captured length" in str(error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file at offset 0"),
        (b"hello, this is no capture at all", "neither pcap nor pcapng at offset 0"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "file ends inside the pcap header at offset 6"),
    ],
)
def test_what_is_no_capture(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(content)
    assert str(damaged(tmp_path / "a")[1]) == f"{tmp_path / 'a'}: {message}"


def test_a_directory_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory"):
        CaptureReader(str(tmp_path))
    with pytest.raises(InputError, match="No such file"):
        CaptureReader(str(tmp_path / "absent"))


def test_an_unknown_link_type_is_named(tmp_path: Path) -> None:
    write_pcap(tmp_path / "a.pcap", FRAMES, link_type=147)
    assert "link type 147" in str(damaged(tmp_path / "a.pcap")[1])
