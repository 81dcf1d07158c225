"""Where the probe differs from argus on purpose and no other file shows it: see docs/reference/argus-differences.md."""

from __future__ import annotations

import struct

import pytest

from tests.probes.observed import CLIENT, SERVER, counts_of, observed, only
from tests.traffic import encapsulations as e
from tests.traffic.packets import ethernet, frame, ip, ipv4, ipv6_fragment, tcp_frame, udp, udp_frame
from topics.flags import Encapsulation

CLIENT6, SERVER6 = "2001:db8:1::5", "2001:db8:2::9"
WHOLE = udp(CLIENT, SERVER, 4000, 5000, b"p" * 2000)
FIRST = frame(ipv4(WHOLE[:1480], CLIENT, SERVER, 17, identification=9, more_fragments=True))
LATER = frame(ipv4(WHOLE[1480:], CLIENT, SERVER, 17, identification=9, fragment_offset=1480))


def test_application_bytes_of_all_fragments_count() -> None:
    assert only(observed([(0, FIRST), (0.1, LATER)]))["src_app_bytes"] == 2000


def test_later_fragments_of_ipv6_are_no_headers() -> None:
    datagram = udp(CLIENT6, SERVER6, 4000, 5000, b"g" * 2000)
    parts = (
        ipv6_fragment(datagram[:1400], 17, 7, more_fragments=True),
        ipv6_fragment(datagram[1400:], 17, 7, offset=1400),
    )
    record = only(observed([(n / 10, frame(ip(each, CLIENT6, SERVER6, 44))) for n, each in enumerate(parts)]))
    assert (record["src_packets"], record["src_port"], record["dst_port"]) == (2, 4000, 5000)
    assert record["src_app_bytes"] == 2000


def test_a_fragment_before_its_first_one_is_a_flow_without_ports() -> None:
    records = observed([(0, LATER), (0.1, FIRST)])
    assert sorted(zip(records["src_port"].tolist(), records["src_packets"].tolist(), strict=True)) == [
        (0, 1),
        (4000, 1),
    ]
    assert counts_of([(0, LATER), (0.1, FIRST)])["lone_fragments"] == 1


@pytest.mark.parametrize("protocol", [33, 132, 136], ids=["dccp", "sctp", "udp-lite"])
def test_every_transport_with_ports_has_them(protocol: int) -> None:
    there, back = (struct.pack(">HH", *ports) + bytes(20) for ports in ((7, 8), (8, 7)))
    frames = [(0, frame(ip(there, CLIENT, SERVER, protocol))), (0.1, frame(ip(back, SERVER, CLIENT, protocol)))]
    record = only(observed(frames))
    assert (record["src_port"], record["dst_port"], record["dst_packets"]) == (7, 8, 1)


def test_reports_of_igmp_version_3_go_where_they_were_sent() -> None:
    report = b"\x22\0\0\0\xde\xad\0\1" + b"\4\0\0\0\xef\1\1\1"
    record = only(observed([(0, frame(ip(report, CLIENT, "224.0.0.22", 2)))]))
    assert record["dst_address"].tobytes()[-4:] == bytes((224, 0, 0, 22))


def test_whoever_is_seen_first_is_the_source_of_a_layer_2_flow() -> None:
    there = ethernet(bytes(50), 0x88CC, source="02:00:00:00:00:bb", destination="02:00:00:00:00:aa")
    assert only(observed([(0, there)]))["src_address"].tobytes()[-6:].hex() == "0200000000bb"


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_what_an_authentication_header_protects_is_the_flow(ends: tuple[str, str]) -> None:
    packet = ip(e.authentication(udp(*ends, 4000, 5000, b"hi"), 17), *ends, 51)
    record = only(observed([(0, frame(packet))]))
    assert (record["protocol"], record["src_port"], record["src_app_bytes"]) == (17, 4000, 2)
    assert record["src_encapsulations"] == Encapsulation.ETHERNET | Encapsulation.AH


def test_reverse_arp_is_a_layer_2_flow() -> None:
    record = only(observed([(0, ethernet(bytes(28), 0x8035))]))
    assert (record["ethertype"], record["protocol"]) == (0x8035, 0)


def test_headers_of_rtp_are_application_bytes() -> None:
    frames = [(n / 50, udp_frame(CLIENT, SERVER, 16384, 17000, e.rtp(n))) for n in range(20)]
    assert only(observed(frames))["src_app_bytes"] == 20 * 172


def test_a_host_that_talks_to_itself_over_ipv6_has_one_flow() -> None:
    frames = [(0.0, udp_frame("::1", "::1", 6000, 53)), (0.1, udp_frame("::1", "::1", 53, 6000))]
    record = only(observed(frames))
    assert (record["src_port"], record["src_packets"], record["dst_packets"]) == (6000, 1, 1)


def test_a_handshake_that_offers_ecn_is_timed() -> None:
    there, back = (CLIENT, SERVER, 4000, 80), (SERVER, CLIENT, 80, 4000)
    frames = [
        (0.000, tcp_frame(*there, flags="SEC", sequence=9)),
        (0.020, tcp_frame(*back, flags="SAE", sequence=5, acknowledgement=10)),
        (0.025, tcp_frame(*there, flags="A", sequence=10, acknowledgement=6)),
    ]
    record = only(observed(frames))
    assert (record["syn_ack_time"], record["ack_data_time"]) == (20_000_000, 5_000_000)


def test_who_sent_a_lone_syn_ack_is_the_destination() -> None:
    record = only(observed([(0, tcp_frame(SERVER, CLIENT, 80, 4000, flags="SA", acknowledgement=10))]))
    assert (record["src_port"], record["dst_port"], record["src_packets"], record["dst_packets"]) == (4000, 80, 0, 1)
