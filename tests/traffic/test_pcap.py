import gzip
import io
import struct
from pathlib import Path

import dpkt
import pytest
import zstandard

from tests.traffic.pcap import (
    OPTION_COMMENT,
    SIMPLE_PACKET,
    Interface,
    Packet,
    TimedFrame,
    pcap_bytes,
    pcapng_block,
    pcapng_bytes,
    write_pcap,
    write_pcapng,
)

TIME = 1_773_133_200_123_456_789
FRAMES: list[TimedFrame] = [(TIME, b"a" * 60), (TIME + 1_000_000_007, b"b" * 101), (TIME + 2, b"c" * 60, 1514)]


@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_reads_back_in_both_orders_and_resolutions(byte_order: str, nanoseconds: bool) -> None:
    data = pcap_bytes(FRAMES, byte_order=byte_order, nanoseconds=nanoseconds, link_type=113)
    reader = dpkt.pcap.Reader(io.BytesIO(data))
    assert reader.datalink() == 113
    assert [packet for _, packet in reader] == [frame[1] for frame in FRAMES]
    seconds, fraction, captured, length = struct.unpack_from(byte_order + "IIII", data, 24)
    assert (seconds, fraction) == (1_773_133_200, 123_456_789 if nanoseconds else 123_456)
    assert (captured, length) == (60, 60)
    assert struct.unpack_from(byte_order + "II", data, len(data) - 68) == (60, 1514)


def test_pcap_cuts_at_snaplen_and_keeps_the_length_on_the_wire() -> None:
    data = pcap_bytes([(0, b"x" * 100)], snaplen=40)
    assert struct.unpack_from("<II", data, 32) == (40, 100)
    assert len(data) == 24 + 16 + 40


@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("resolution", [None, 3, 9, 0x80 | 20])
def test_pcapng_reads_back_in_both_orders_and_any_resolution(byte_order: str, resolution: int | None) -> None:
    interface = Interface(resolution=resolution, name="eth0", offset_seconds=1000)
    data = pcapng_bytes(FRAMES[:2], interfaces=[interface], byte_order=byte_order)
    packets = list(dpkt.pcapng.Reader(io.BytesIO(data)))
    assert [packet for _, packet in packets] == [frame[1] for frame in FRAMES[:2]]
    unit = {None: 1e-6, 3: 1e-3, 9: 1e-6, 0x80 | 20: 1e-5}[resolution]
    times = [frame[0] / 1e9 for frame in FRAMES[:2]]
    assert [float(time) for time, _ in packets] == pytest.approx(times, rel=0, abs=unit)


def test_pcapng_blocks_name_their_interface_and_carry_options() -> None:
    interfaces = [Interface(), Interface(link_type=113, snaplen=10)]
    packet = Packet(TIME, b"x" * 33, interface=1, options=[(OPTION_COMMENT, b"odd")])
    data = pcapng_bytes([packet], interfaces=interfaces)
    block = data[28 + 20 + 20 :]
    assert struct.unpack_from("<IIIIIII", block)[2] == 1
    assert struct.unpack_from("<II", block, 20) == (10, 33)
    assert block[28:38] == b"x" * 10
    assert block[40:] == struct.pack("<HH3sxHHI", 1, 3, b"odd", 0, 0, len(block))


def test_simple_packets_have_only_a_length() -> None:
    data = pcapng_bytes([Packet(0, b"abc", simple=True)])
    assert data.endswith(pcapng_block(SIMPLE_PACKET, struct.pack("<I", 3) + b"abc"))


@pytest.mark.parametrize("write", [write_pcap, write_pcapng])
def test_suffix_chooses_the_compression(write: type, tmp_path: Path) -> None:
    for suffix in ("", ".gz", ".zst"):
        write(tmp_path / f"one{suffix}", FRAMES)
    plain = (tmp_path / "one").read_bytes()
    assert gzip.decompress((tmp_path / "one.gz").read_bytes()) == plain
    assert zstandard.decompress((tmp_path / "one.zst").read_bytes()) == plain


def test_equal_captures_are_equal_files(tmp_path: Path) -> None:
    for name in ("one.gz", "two.gz"):
        write_pcap(tmp_path / name, FRAMES)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
