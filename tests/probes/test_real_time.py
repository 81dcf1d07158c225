from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from probes.flows.real_time import MAX_GAP
from tests.probes.observed import CLIENT, SERVER, observed, only
from tests.traffic import encapsulations as e
from tests.traffic.packets import frame, ip, ipv6_extension, udp, udp_frame
from topics.flags import FlowFlags

if TYPE_CHECKING:
    from collections.abc import Iterable

PORTS = (16384, 17000)


def sound(sequence: int, source: int = 0x11, kind: int = 0) -> bytes:
    return udp_frame(CLIENT, SERVER, *PORTS, e.rtp(sequence, source=source, kind=kind))


def call(sequences: Iterable[int]) -> Any:
    return only(observed([(n * 0.02, sound(each)) for n, each in enumerate(sequences)]))


def figures(record: Any) -> tuple[int, int]:
    return int(record["src_lost_packets"]), int(record["src_out_of_order_packets"])


def test_numbers_that_count_up_are_rtp() -> None:
    record = call(range(1000, 1020))
    assert record["flow_flags"] & FlowFlags.RTP
    assert figures(record) == (0, 0)


def test_missing_numbers_are_lost_packets() -> None:
    assert figures(call([*range(10), *range(13, 20), *range(21, 30)])) == (4, 0)


def test_numbers_that_come_late_are_out_of_order_and_not_lost() -> None:
    assert figures(call([0, 1, 2, 3, 5, 4, 6, 9, 8, 7, 10])) == (0, 3)


def test_numbers_wrap() -> None:
    assert figures(call([*range(65530, 65536), *range(2, 10)])) == (2, 0)
    assert figures(call([65532, 65533, 65534, 0, 65535, 1])) == (0, 1)


def test_a_jump_is_a_restart_and_no_loss() -> None:
    assert figures(call([*range(10), *range(30000, 30010)])) == (0, 0)
    assert figures(call([*range(10), *range(MAX_GAP, MAX_GAP + 5)])) == (MAX_GAP - 10, 0)


def test_both_directions_count_on_their_own() -> None:
    frames = []
    for number in range(20):
        frames.append((number * 0.02, sound(number if number < 10 else number + 3)))
        back = udp_frame(SERVER, CLIENT, *PORTS[::-1], e.rtp(7000 + number, source=0x22))
        frames.append((number * 0.02 + 0.01, back))
    record = only(observed(frames))
    assert (record["src_lost_packets"], record["dst_lost_packets"]) == (3, 0)


def test_another_source_in_the_stream_is_no_loss() -> None:
    frames = [(n * 0.02, sound(n)) for n in range(10)] + [(0.2 + n * 0.02, sound(500 + n, 0x99)) for n in range(10)]
    assert figures(only(observed(frames))) == (0, 0)


def other(payloads: Iterable[bytes], ports: tuple[int, int] = PORTS) -> Any:
    return only(observed([(n * 0.02, udp_frame(CLIENT, SERVER, *ports, each)) for n, each in enumerate(payloads)]))


@pytest.mark.parametrize(
    "record",
    [
        other([e.rtp(5)] * 10),
        other([e.rtp(7 * n) for n in range(10)]),
        other([b"\x40" + e.rtp(n)[1:] for n in range(10)]),
        other([e.rtp(n)[:11] for n in range(10)]),
        other([e.rtp(n, source=n) for n in range(10)]),
        other([e.rtp(n) for n in range(10)], (16384, 443)),
        other([e.rtp(n) for n in range(2)]),
        other([bytes(40)] * 10),
    ],
    ids=["a number again", "gaps", "version 1", "short", "sources", "low port", "too few", "zeros"],
)
def test_what_only_looks_like_rtp_is_not(record: Any) -> None:
    assert not record["flow_flags"] & (FlowFlags.RTP | FlowFlags.RTCP)
    assert figures(record) == (0, 0)


def test_reports_about_streams_are_told_by_type_and_odd_ports() -> None:
    assert other([e.rtcp()], (16385, 17001))["flow_flags"] & FlowFlags.RTCP
    assert not other([e.rtcp()], (16384, 17001))["flow_flags"] & FlowFlags.RTCP
    assert not other([e.rtcp()[:8]], (16385, 17001))["flow_flags"] & FlowFlags.RTCP
    assert not other([e.rtcp(199)], (16385, 17001))["flow_flags"] & FlowFlags.RTCP


def test_a_first_fragment_is_not_taken_for_a_whole_packet() -> None:
    cut = [frame(ip(udp(CLIENT, SERVER, *PORTS, e.rtp(n, size=4)), CLIENT, SERVER, 17)) for n in range(5)]
    fragments = [each[:20] + b"\x20\0" + each[22:] for each in cut]  # more fragments follow
    record = only(observed([(n * 0.02, each) for n, each in enumerate(fragments)]))
    assert not record["flow_flags"] & FlowFlags.RTP


def sealed(sequence: int, spi: int = 0x1234, ends: tuple[str, str] = (CLIENT, SERVER)) -> bytes:
    return frame(ip(e.esp(spi, sequence), *ends, 50))


def test_each_direction_of_esp_is_a_flow_with_its_index() -> None:
    frames = [(0, sealed(1)), (0.1, sealed(1, 0x5678, (SERVER, CLIENT))), (0.2, sealed(2))]
    records = observed(frames)
    assert sorted(zip(records["discriminator"].tolist(), records["src_packets"].tolist(), strict=True)) == [
        (0x1234, 2),
        (0x5678, 1),
    ]
    assert records["dst_packets"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        ([1, 2, 3, 5, 8], (3, 0)),
        ([1, 2, 4, 3, 5], (0, 1)),
        ([2**32 - 2, 2**32 - 1, 0, 2], (1, 0)),
        ([5, 2**31, 2**31 + 1], (0, 0)),
    ],
)
def test_the_numbers_of_esp_tell_loss_and_order(sequences: list[int], expected: tuple[int, int]) -> None:
    record = only(observed([(n * 0.02, sealed(each)) for n, each in enumerate(sequences)]))
    assert figures(record) == expected


def test_esp_behind_extension_headers_of_ipv6() -> None:
    ends = ("2001:db8::1", "2001:db8::2")
    frames = [frame(ip(ipv6_extension(e.esp(0x99, n), 50), *ends, 60)) for n in (1, 2, 4)]
    record = only(observed([(n * 0.02, each) for n, each in enumerate(frames)]))
    assert (record["protocol"], record["discriminator"], record["src_lost_packets"]) == (50, 0x99, 1)


@pytest.mark.parametrize("captured", range(34, 50))
def test_esp_cut_by_the_snaplen(captured: int) -> None:
    record = only(observed([(0, sealed(1)[:captured])]))
    assert record["discriminator"] == (0x1234 if captured >= 38 else 0)
