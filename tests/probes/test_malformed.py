from __future__ import annotations

import pytest

from probes.decode.headers import DAMAGES
from tests.probes.observed import CLIENT, SERVER, batch_of, block, counts_of, observed, only
from tests.traffic.encapsulations import authentication
from tests.traffic.packets import (
    frame,
    ip,
    ipv4,
    ipv6,
    ipv6_extension,
    ipv6_fragment,
    tcp,
    tcp_frame,
    tcp_options,
    udp,
    udp_frame,
)
from topics.flags import FlowFlags

C = (CLIENT, SERVER, 40000, 80)
SIX = ("2001:db8::1", "2001:db8::2")
SEGMENT, DATAGRAM = tcp(*C, payload=b"hello"), udp(*C, b"hello")


def over_ipv4(payload: bytes, protocol: int = 6) -> bytes:
    return frame(ip(payload, CLIENT, SERVER, protocol))


def over_ipv6(payload: bytes, following: int) -> bytes:
    return frame(ip(payload, *SIX, following))


LIES: dict[str, tuple[bytes, str]] = {
    "ipv4 of another version": (frame(b"\x55" + ip(SEGMENT, CLIENT, SERVER, 6)[1:], ethertype=0x0800), "ipv4"),
    "ipv4 with a header of 16 bytes": (frame(b"\x44" + ip(SEGMENT, CLIENT, SERVER, 6)[1:]), "ipv4"),
    "ipv4 shorter than its header": (frame(ipv4(SEGMENT, CLIENT, SERVER, 6, total_length=19)), "ipv4"),
    "ipv4 longer than its frame": (frame(ipv4(SEGMENT, CLIENT, SERVER, 6, total_length=1500)), "ipv4"),
    "ipv6 of another version": (frame(b"\x45" + ip(DATAGRAM, *SIX, 17)[1:], ethertype=0x86DD), "ipv6"),
    "ipv6 longer than its frame": (frame(ipv6(DATAGRAM, *SIX, 17, payload_length=999)), "ipv6"),
    "extension of 6 bytes": (over_ipv6(b"\x11\0\1\2\0\0", 60), "extension"),
    "extension past the packet": (over_ipv6(b"\x11\x09" + bytes(14) + DATAGRAM, 0), "extension"),
    "routing header past the packet": (over_ipv6(b"\x11\xff" + bytes(14) + DATAGRAM, 43), "extension"),
    "authentication past the packet": (over_ipv6(authentication(DATAGRAM, 17, words=200), 51), "extension"),
    "tcp of 19 bytes": (over_ipv4(SEGMENT[:19]), "tcp"),
    "tcp of 3 bytes": (over_ipv4(SEGMENT[:3]), "tcp"),
    "tcp header of 16 bytes": (over_ipv4(SEGMENT[:12] + b"\x40" + SEGMENT[13:]), "tcp"),
    "tcp header past the segment": (over_ipv4(SEGMENT[:12] + b"\xf0" + SEGMENT[13:]), "tcp"),
    "udp of 7 bytes": (over_ipv4(DATAGRAM[:7], 17), "udp"),
    "udp of 1 byte": (over_ipv4(DATAGRAM[:1], 17), "udp"),
    "udp length of 7": (over_ipv4(udp(*C, b"hello", length=7), 17), "udp"),
    "udp length past the packet": (over_ipv4(udp(*C, b"hello", length=14), 17), "udp"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_header_that_lies_counts_by_kind(name: str) -> None:
    packet, kind = LIES[name]
    counts = counts_of([(0, packet)])
    assert {each: counts[f"malformed_{each}"] for each in DAMAGES} == {each: int(each == kind) for each in DAMAGES}
    assert counts["not_captured"] == 0
    record = only(observed([(0, packet)]))
    assert record["flow_flags"] & FlowFlags.MALFORMED
    assert (record["src_packets"], record["src_bytes"]) == (1, len(packet))


def test_every_kind_of_damage_has_a_case() -> None:
    assert {kind for _, kind in LIES.values()} == set(DAMAGES)


FRAGMENT = ipv4(udp(*C, bytes(64))[:32], CLIENT, SERVER, 17, identification=3, more_fragments=True)
GOOD: dict[str, bytes] = {
    "tcp": tcp_frame(*C, options=tcp_options(maximum_segment=1460), payload=b"x"),
    "udp with padding": udp_frame(*C).ljust(60, b"\0"),
    "udp without a length": over_ipv4(udp(*C, b"hello", length=0), 17),
    "udp shorter than its packet": over_ipv4(udp(*C, b"hello", length=10), 17),
    "first fragment": frame(FRAGMENT),
    "length left to the hardware": frame(ipv4(SEGMENT, CLIENT, SERVER, 6, total_length=0)),
    "jumbogram": frame(ipv6(ipv6_extension(DATAGRAM, 17), *SIX, 0, payload_length=0)),
    "fragment header of a whole packet": over_ipv6(ipv6_fragment(DATAGRAM, 17, 9), 44),
    "no next header": over_ipv6(b"", 59),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_header_that_tells_the_truth_does_not(name: str) -> None:
    counts = counts_of([(0, GOOD[name])])
    assert sum(counts[f"malformed_{each}"] for each in DAMAGES) == 0
    assert not only(observed([(0, GOOD[name])]))["flow_flags"] & FlowFlags.MALFORMED


@pytest.mark.parametrize("name", GOOD)
def test_a_packet_cut_by_the_snaplen_is_not_malformed(name: str) -> None:
    whole = GOOD[name]
    for size in range(len(whole)):
        cut = block([(0, whole[:size])])
        cut.packets["length"] = len(whole)
        assert not only(batch_of([cut]).records)["flow_flags"] & FlowFlags.MALFORMED


def test_tcp_options_past_their_header_are_not_read() -> None:
    for options in (b"\x02\x04\x05\xb4\x03\x00\x00\x00", b"\x02\xff\x05\xb4", b"\x01\x01\x01\x02", b"\x08\x0a\x00\x00"):
        record = only(observed([(0, tcp_frame(*C, flags="S", options=options, payload=b"\x04\x02" * 8))]))
        assert record["tcp_options"] & 0x0FC00000 == 0  # SACK, window scale and time stamps: there are none
        assert (record["src_packets"], record["src_app_bytes"]) == (1, 16)
