from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from probes.flows.probe import FlowProbe, ProbeSettings
from tests.probes.observed import CLIENT, SECOND, SERVER, TimedFrame, batch_of, block, heap_field, only
from tests.traffic.packets import arp_frame, echo_frame, ethernet, frame, ipv4, tcp_frame, udp, udp_frame
from topics.batch import concatenate

if TYPE_CHECKING:
    from topics.batch import FlowBatch

C, S = (CLIENT, SERVER, 40000, 80), (SERVER, CLIENT, 80, 40000)


def segment(sequence: int, payload: bytes, ends: tuple[str, str, int, int] = C) -> bytes:
    return tcp_frame(*ends, flags="PA", sequence=sequence, acknowledgement=1, payload=payload)


def connection(*segments: bytes) -> list[TimedFrame]:
    opening = [
        tcp_frame(*C, flags="S", sequence=999),
        tcp_frame(*S, flags="SA", sequence=4999, acknowledgement=1000),
    ]
    return [(n / 10, each) for n, each in enumerate([*opening, *segments])]


def kept(frames: list[TimedFrame], size: int = 64, **settings: Any) -> tuple[bytes, bytes]:
    """Payload of both directions over all records, in their order."""
    batch = batch_of([block(frames)], payload_bytes=size, **settings)
    return tuple(  # type: ignore[return-value]  # of two
        b"".join(heap_field(batch, record, f"{side}_payload") for record in batch.records) for side in ("src", "dst")
    )


def test_nothing_is_kept_unless_asked_for() -> None:
    batch = batch_of([block([(0, udp_frame(*C, b"hello"))])])
    assert heap_field(batch, only(batch.records), "src_payload") == b""


def test_the_first_bytes_of_each_direction() -> None:
    frames = [(0.0, udp_frame(*C, b"question")), (0.1, udp_frame(*S, b"answer")), (0.2, udp_frame(*C, b" again"))]
    assert kept(frames) == (b"question again", b"answer")
    assert kept(frames, 10) == (b"question a", b"answer")


def test_segments_in_order_are_joined() -> None:
    frames = connection(segment(1000, b"abc"), segment(5000, b"reply", S), segment(1003, b"def"))
    assert kept(frames) == (b"abcdef", b"reply")


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([(1000, b"abc"), (1000, b"abc"), (1003, b"def")], b"abcdef"),
        ([(1000, b"abc"), (1001, b"bcdef")], b"abcdef"),
        ([(1000, b"abc"), (1000, b"xyzdef")], b"abcdef"),
        ([(1000, b"abcdef"), (1002, b"cd"), (1006, b"g")], b"abcdefg"),
    ],
    ids=["whole", "overlapping", "other bytes", "inside"],
)
def test_what_was_sent_again_is_kept_once(segments: list[tuple[int, bytes]], expected: bytes) -> None:
    assert kept(connection(*(segment(*each) for each in segments)))[0] == expected


def test_nothing_behind_a_gap_is_kept_until_it_is_filled() -> None:
    gap = [segment(1000, b"abc"), segment(1006, b"ghi")]
    assert kept(connection(*gap))[0] == b"abc"
    assert kept(connection(*gap, segment(1003, b"def"), segment(1006, b"ghi")))[0] == b"abcdefghi"


def test_sequence_numbers_may_wrap_inside() -> None:
    frames = [
        (0.0, tcp_frame(*C, flags="S", sequence=2**32 - 3)),
        (0.1, segment(2**32 - 2, b"abc")),
        (0.2, segment(1, b"def")),
    ]
    assert kept(frames)[0] == b"abcdef"


def test_a_connection_seen_from_its_middle_begins_where_it_is_seen() -> None:
    assert kept([(0.0, segment(7000, b"abc")), (0.1, segment(7003, b"def"))])[0] == b"abcdef"


def test_only_captured_bytes_are_kept() -> None:
    whole = udp_frame(*C, b"0123456789")
    cut = block([(0, whole[:-4])])
    cut.packets["length"] = len(whole)
    batch = batch_of([cut], payload_bytes=64)
    assert heap_field(batch, only(batch.records), "src_payload") == b"012345"


def test_padding_of_the_frame_is_no_payload() -> None:
    assert kept([(0, udp_frame(*C, b"hi").ljust(60, b"\xee"))])[0] == b"hi"


def test_later_fragments_are_left_out() -> None:
    datagram = udp(CLIENT, SERVER, 4000, 5000, b"a" * 8 + b"b" * 8)
    first = ipv4(datagram[:16], CLIENT, SERVER, 17, identification=9, more_fragments=True)
    later = ipv4(datagram[16:], CLIENT, SERVER, 17, identification=9, fragment_offset=16)
    assert kept([(0, frame(first)), (0.1, frame(later))])[0] == b"a" * 8


def test_a_frame_without_ip_keeps_what_follows_its_addresses() -> None:
    discovery = ethernet(b"lldp", 0x88CC, source="02:00:00:00:00:09")
    assert kept([(0, udp_frame(*C)), (0.1, discovery)])[0] == b"lldp"


def test_arp_has_no_payload() -> None:
    assert kept([(0, udp_frame(*C)), (0.1, arp_frame(1, "02:00:00:00:00:09", CLIENT, SERVER))])[0] == b""


def test_a_ping_keeps_its_message() -> None:
    source, _ = kept([(0, echo_frame(CLIENT, SERVER, 7, 3, b"abc"))])
    assert source.endswith(b"\0\x07\0\x03abc")


def test_each_record_has_what_is_new() -> None:
    frames = [(float(second), udp_frame(*C, b"%d" % second)) for second in range(8)]
    batch = batch_of([block(frames)], payload_bytes=64, status_interval=3 * SECOND)
    assert [heap_field(batch, record, "src_payload") for record in batch.records] == [b"012", b"345", b"67"]


def client(number: int) -> tuple[str, str, int, int]:
    return f"10.3.{number >> 8}.{number & 255}", SERVER, 1000, 2000


def check(batch: FlowBatch, count: int, size: int) -> None:
    assert len(batch.records) == count
    for record in batch.records:
        last = int(record["src_address"][14]) << 8 | int(record["src_address"][15])
        assert heap_field(batch, record, "src_payload") == last.to_bytes(2, "big") * (size // 2)


@pytest.mark.parametrize("size", [2, 600, 6000])
def test_a_full_heap_makes_a_batch_of_its_own(size: int) -> None:
    count = 600
    frames = [(n * 1e-6, udp_frame(*client(n), n.to_bytes(2, "big") * (size // 2))) for n in range(count)]
    probe = FlowProbe(ProbeSettings(payload_bytes=size))
    batches = [*probe.observe(block([*frames, (6.0, udp_frame(*client(0)))])), *probe.due()]
    assert (len(batches) > 1) == (size == 6000)
    for each in batches:
        ends = each.records["src_payload_offset"] + each.records["src_payload_length"]
        assert ends.max() <= len(each.heap)
    check(concatenate(batches), count, size)


def test_the_heap_is_drained_in_parts_as_well() -> None:
    count, size = 600, 6000
    frames = [(n * 1e-6, udp_frame(*client(n), n.to_bytes(2, "big") * (size // 2))) for n in range(count)]
    check(batch_of([block(frames)], payload_bytes=size), count, size)
