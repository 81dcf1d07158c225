import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic.checksum import checksum
from tests.traffic.frame_check import ones_complement_sum, problem
from tests.traffic.packets import (
    CLIENT_MAC,
    SERVER_MAC,
    arp_frame,
    echo_frame,
    frame,
    icmp_error_frame,
    ipv4,
    ipv6,
    ipv6_extension,
    ipv6_fragment,
    mac_bytes,
    tcp_frame,
    tcp_options,
    udp,
    udp_frame,
)

ENDS = [("10.20.0.1", "10.20.0.2"), ("2001:db8:20::1", "2001:db8:20::2")]


@given(st.binary(max_size=80))
def test_checksum_agrees_with_the_sum_word_by_word(data: bytes) -> None:
    assert checksum(data) == 0xFFFF - ones_complement_sum(data)


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("payload", [b"", b"x", b"hello, world"])
def test_tcp_frame_says_what_was_asked_for(ends: tuple[str, str], payload: bytes) -> None:
    options = tcp_options(maximum_segment=1460, window_scale=7, sack_permitted=True, timestamp=(5, 6))
    whole = tcp_frame(
        *ends, 1025, 80, flags="SAUEC", sequence=2**32 + 7, acknowledgement=9, window=17, options=options,
        payload=payload, ttl=3,
    )  # fmt: skip
    packet = dpkt.ethernet.Ethernet(whole).data
    segment = packet.data
    assert problem(whole) is None
    assert (segment.sport, segment.dport, segment.seq, segment.ack, segment.win) == (1025, 80, 7, 9, 17)
    assert (segment.flags, segment.data) == (0x02 | 0x10 | 0x20 | 0x40 | 0x80, payload)
    found = {kind: data for kind, data in dpkt.tcp.parse_opts(segment.opts) if kind > 1}
    assert found == {2: b"\x05\xb4", 3: b"\x07", 4: b"", 8: b"\0\0\0\x05\0\0\0\x06"}
    assert (packet.hlim if ":" in ends[0] else packet.ttl) == 3


def test_selective_acknowledgements_are_pairs_of_edges() -> None:
    edges = bytes.fromhex("00000001 00000002 00000003 00000004")
    assert dpkt.tcp.parse_opts(tcp_options(sack=[(1, 2), (3, 4)]))[-1] == (5, edges)


@pytest.mark.parametrize("ends", ENDS)
def test_udp_frame_has_length_and_checksum(ends: tuple[str, str]) -> None:
    whole = udp_frame(*ends, 5353, 53, b"abc", vlans=(10, 20))
    assert problem(whole) is None
    link = dpkt.ethernet.Ethernet(whole)
    assert [tag.id for tag in link.vlan_tags] == [10, 20]
    assert (link.src, link.dst) == (mac_bytes(CLIENT_MAC), mac_bytes(SERVER_MAC))
    assert (link.data.data.sport, link.data.data.dport, link.data.data.ulen) == (5353, 53, 11)


def test_udp_checksum_of_zero_is_sent_as_ones() -> None:
    datagrams = (udp("10.0.0.1", "10.0.0.2", 1, 2, number.to_bytes(2, "big")) for number in range(2**16))
    assert sum(datagram[6:8] == b"\xff\xff" for datagram in datagrams) == 1


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("reply", [False, True])
def test_echo_frame_is_a_ping_of_the_right_protocol(ends: tuple[str, str], reply: bool) -> None:
    whole = echo_frame(*ends, 7, 8, b"ping", reply=reply)
    assert problem(whole) is None
    message = dpkt.ethernet.Ethernet(whole).data.data
    kinds = (128, 129) if ":" in ends[0] else (8, 0)
    assert message.type == kinds[reply]
    assert bytes(message)[4:8] == b"\0\x07\0\x08"


def test_icmp_error_quotes_header_and_eight_bytes() -> None:
    asked = udp_frame("10.20.0.1", "10.20.0.2", 1025, 161, b"a longer question")
    whole = icmp_error_frame("10.20.0.2", "10.20.0.1", 3, 3, asked[14:])
    assert problem(whole) is None
    assert bytes(dpkt.ethernet.Ethernet(whole).data.data)[8:] == asked[14:42]


def test_arp_request_goes_to_all_and_the_answer_to_who_asked() -> None:
    request = arp_frame(1, CLIENT_MAC, "10.20.0.1", "10.20.0.2")
    answer = arp_frame(2, SERVER_MAC, "10.20.0.2", "10.20.0.1", target_mac=CLIENT_MAC)
    assert len(request) == len(answer) == 60
    assert dpkt.ethernet.Ethernet(request).dst == b"\xff" * 6
    assert dpkt.ethernet.Ethernet(answer).dst == mac_bytes(CLIENT_MAC)
    assert dpkt.ethernet.Ethernet(answer).data.spa == bytes((10, 20, 0, 2))


def test_fragments_carry_offset_and_flag() -> None:
    piece = ipv4(
        b"12345678", "10.0.0.1", "10.0.0.2", 17, more_fragments=True, fragment_offset=1480, options=b"\x94\x04"
    )
    parsed = dpkt.ip.IP(piece)
    assert (parsed.mf, parsed.df, parsed.offset * 8, parsed.hl) == (1, 0, 1480, 6)


def test_ipv6_extension_headers_chain() -> None:
    ends = ENDS[1]
    inner = ipv6_fragment(udp(*ends, 1, 2, b"12345678"), 17, 99, offset=16, more_fragments=True)
    packet = dpkt.ip6.IP6(ipv6(ipv6_extension(inner, 44), *ends, 0))
    assert list(packet.extension_hdrs) == [0, 44]
    fragment = packet.extension_hdrs[44]
    assert (fragment.frag_off, fragment.m_flag, fragment.id) == (2, 1, 99)


def test_length_arguments_are_believed() -> None:
    assert frame(ipv4(b"", "10.0.0.1", "10.0.0.2", 6, total_length=9999))[16:18] == (9999).to_bytes(2, "big")
    assert ipv6(b"", *ENDS[1], 6, payload_length=9999)[4:6] == (9999).to_bytes(2, "big")
    assert udp(*ENDS[0], 1, 2, length=9999)[4:6] == (9999).to_bytes(2, "big")
