from __future__ import annotations

import pytest

from probes.capture.link_types import IEEE802_11, LINUX_SLL, NULL, RAW
from tests.probes.observed import CLIENT, SECOND, SERVER, START, observed, only
from tests.traffic.packets import (
    arp_frame,
    echo_frame,
    ethernet,
    frame,
    icmp_error_frame,
    ip,
    ipv4,
    tcp_frame,
    tcp_options,
    udp,
    udp_frame,
)
from topics.flags import Cause, Encapsulation, FlowFlags, TcpFlags, TcpOptions, TcpState

C, S = (CLIENT, SERVER, 40000, 80), (SERVER, CLIENT, 80, 40000)


def ends(record: object) -> tuple[bytes, int, bytes, int]:
    return (
        record["src_address"].tobytes()[-4:],  # type: ignore[index]  # a structured scalar
        int(record["src_port"]),  # type: ignore[index]
        record["dst_address"].tobytes()[-4:],  # type: ignore[index]
        int(record["dst_port"]),  # type: ignore[index]
    )


CLIENT_END, SERVER_END = (bytes([10, 1, 0, 5]), 40000), (bytes([10, 2, 0, 9]), 80)


def conversation() -> list[tuple[float, bytes]]:
    options = tcp_options(maximum_segment=1460, window_scale=7, sack_permitted=True, timestamp=(1, 0))
    return [
        (0.000, tcp_frame(*C, flags="S", sequence=1000, window=64240, options=options)),
        (0.020, tcp_frame(*S, flags="SA", sequence=5000, acknowledgement=1001, window=65160, options=options)),
        (0.025, tcp_frame(*C, flags="A", sequence=1001, acknowledgement=5001, window=502)),
        (0.030, tcp_frame(*C, flags="PA", sequence=1001, acknowledgement=5001, window=502, payload=b"q" * 100)),
        (0.060, tcp_frame(*S, flags="PA", sequence=5001, acknowledgement=1101, window=501, payload=b"a" * 900)),
        (0.070, tcp_frame(*C, flags="FA", sequence=1101, acknowledgement=5901, window=502)),
        (0.090, tcp_frame(*S, flags="FA", sequence=5901, acknowledgement=1102, window=501)),
        (0.095, tcp_frame(*C, flags="A", sequence=1102, acknowledgement=5902, window=502)),
    ]


def handshake_times(*segments: tuple[float, bytes]) -> tuple[int, int]:
    """Milliseconds from SYN to SYN-ACK and from SYN-ACK to ACK of a conversation of these segments."""
    record = only(observed([(0.000, tcp_frame(*C, flags="S", sequence=1000)), *segments]))
    return int(record["syn_ack_time"]) // 1_000_000, int(record["ack_data_time"]) // 1_000_000


def test_the_handshake_is_timed_by_an_acknowledgement_of_the_client_that_carries_no_data() -> None:
    answer = (0.020, tcp_frame(*S, flags="SA", sequence=5000, acknowledgement=1001))
    end = (0.025, tcp_frame(*C, flags="A", sequence=1001, acknowledgement=5001))
    assert handshake_times(answer, end) == (20, 5)
    request = (0.025, tcp_frame(*C, flags="PA", sequence=1001, acknowledgement=5001, payload=b"q"))
    assert handshake_times(answer, request) == (20, 0)
    greeting = (0.021, tcp_frame(*S, flags="PA", sequence=5001, acknowledgement=1001, payload=b"220"))
    assert handshake_times(answer, greeting, end) == (20, 0)
    again = (0.021, tcp_frame(*S, flags="A", sequence=5001, acknowledgement=1001))
    assert handshake_times(answer, again, end) == (20, 0)


def test_a_syn_that_is_sent_again_after_a_reset_opens_the_connection() -> None:
    """A server that still knows an older connection acknowledges that one, is reset, and answers the SYN sent again."""
    options = tcp_options(window_scale=8)
    segments = [
        (0.00, tcp_frame(*C, flags="S", sequence=1000, options=options)),
        (0.02, tcp_frame(*S, flags="A", sequence=7, acknowledgement=900)),
        (0.021, tcp_frame(*C, flags="R", sequence=900)),
        (3.00, tcp_frame(*C, flags="S", sequence=1000, options=options)),
        (3.02, tcp_frame(*S, flags="SA", sequence=5000, acknowledgement=1001)),
        (3.03, tcp_frame(*C, flags="A", sequence=1001, acknowledgement=5001, window=259)),
        (43.0, tcp_frame(*C, flags="PA", sequence=1001, acknowledgement=5001, window=259, payload=b"q")),
    ]
    records = observed(segments)
    times = [(int(r["syn_ack_time"]), int(r["ack_data_time"])) for r in records if r["dst_packets"] == 1]
    assert times[-1] == (20_000_000, 10_000_000)
    assert int(records[-1]["src_window"]) == 259 << 8


def test_the_handshake_is_timed_by_its_own_packets_in_a_capture_whose_time_goes_back() -> None:
    later = (900.0, tcp_frame("10.9.9.9", SERVER, 40001, 80, flags="S", sequence=1))
    assert [
        (int(r["syn_ack_time"]), int(r["ack_data_time"]))
        for r in observed([later, *conversation()])
        if r["dst_packets"]
    ] == [(20_000_000, 5_000_000)]


def test_a_tcp_conversation_is_one_record_with_both_directions() -> None:
    record = only(observed(conversation()))
    assert ends(record) == (*CLIENT_END, *SERVER_END)
    assert (record["src_packets"], record["dst_packets"]) == (5, 3)
    assert (record["src_app_bytes"], record["dst_app_bytes"]) == (100, 900)
    assert (record["src_first"], record["src_last"]) == (START, START + 95_000_000)
    assert (record["dst_first"], record["dst_last"]) == (START + 20_000_000, START + 90_000_000)
    assert record["cause"] == Cause.CLOSE
    assert record["flow_start"] == START
    assert record["duration_sum"] == record["duration_min"] == record["duration_max"] == 95_000_000


def test_the_handshake_gives_round_trip_times_options_and_windows() -> None:
    record = only(observed(conversation()))
    assert (record["syn_ack_time"], record["ack_data_time"]) == (20_000_000, 5_000_000)
    assert record["tcp_options"] & (TcpOptions.MSS | TcpOptions.WINDOW_SCALE | TcpOptions.SACK_PERMITTED) == (
        TcpOptions.MSS | TcpOptions.WINDOW_SCALE | TcpOptions.SACK_PERMITTED
    )
    assert (record["src_mss"], record["src_window_shift"]) == (1460, 7)
    assert (record["src_window"], record["dst_window"]) == (502 << 7, 501 << 7)
    assert (record["src_base_sequence"], record["dst_base_sequence"]) == (1000, 5000)


def test_tcp_state_follows_the_connection_to_its_close() -> None:
    state = TcpState(int(only(observed(conversation()))["tcp_state"]))
    closed = TcpState.SYN | TcpState.SYN_ACK | TcpState.ESTABLISHED | TcpState.FIN | TcpState.FIN_ACK
    assert state == closed | TcpState.NORMAL_CLOSE
    half = TcpState(int(only(observed(conversation()[:4]))["tcp_state"]))
    assert half == TcpState.SYN | TcpState.SYN_ACK | TcpState.ESTABLISHED


def test_a_refused_connection() -> None:
    record = only(
        observed([(0, tcp_frame(*C, flags="S", sequence=9)), (0.001, tcp_frame(*S, flags="RA", acknowledgement=10))])
    )
    assert TcpState(int(record["tcp_state"])) == TcpState.SYN | TcpState.DST_RESET
    assert record["dst_tcp_flags"] == TcpFlags.RST | TcpFlags.ACK


def test_a_reset_is_all_that_is_known_of_where_its_side_began() -> None:
    reset = tcp_frame(*S, flags="R", sequence=7000)
    refused = [(0, tcp_frame(*C, flags="S", sequence=9)), (0.001, reset)]
    assert only(observed(refused))["dst_base_sequence"] == 7000
    opened = only(observed([*conversation()[:4], (0.9, reset)]))
    assert opened["dst_base_sequence"] == 5000


def test_the_first_packet_decides_who_is_the_source() -> None:
    record = only(observed([(0, udp_frame(*S)), (0.1, udp_frame(*C))]))
    assert ends(record) == (*SERVER_END, *CLIENT_END)
    assert (record["src_packets"], record["dst_packets"]) == (1, 1)


def test_who_answers_a_syn_that_was_not_seen_is_the_destination() -> None:
    record = only(observed(conversation()[1:]))
    assert ends(record) == (*CLIENT_END, *SERVER_END)
    assert (record["src_packets"], record["dst_packets"]) == (4, 3)
    assert (record["src_app_bytes"], record["dst_app_bytes"]) == (100, 900)


def test_one_direction_of_a_server_alone_has_the_server_as_destination() -> None:
    frames = conversation()
    record = only(observed([frames[1], frames[4], frames[6]]))
    assert ends(record) == (*CLIENT_END, *SERVER_END)
    assert (record["src_packets"], record["dst_packets"]) == (0, 3)


def test_a_syn_behind_its_answer_changes_nothing() -> None:
    first, answer, *rest = conversation()
    record = only(observed([(0.0, answer[1]), (0.001, first[1]), *rest]))
    assert ends(record) == (*CLIENT_END, *SERVER_END)
    assert TcpState(int(record["tcp_state"])) & (TcpState.SYN | TcpState.SYN_ACK) == TcpState.SYN | TcpState.SYN_ACK


def test_a_flow_is_reported_every_status_interval() -> None:
    frames = [(float(second), udp_frame(*C, b"x" * second)) for second in range(12)]
    records = observed(frames, status_interval=5 * SECOND)
    assert records["src_packets"].tolist() == [5, 5, 2]
    assert records["cause"].tolist() == [Cause.START, Cause.STATUS, Cause.SHUTDOWN]
    assert records["status_sequence"].tolist() == [0, 1, 2]
    assert records["src_bytes"].sum() == sum(len(each) for _, each in frames)
    assert len({record["flow_id"].tobytes() for record in records}) == 1
    assert set(records["flow_start"].tolist()) == {START}


@pytest.mark.parametrize(
    ("make", "timeout"),
    [
        (lambda: udp_frame(*C), 30),
        (lambda: tcp_frame(*C, flags="A"), 60),
        (lambda: arp_frame(1, "02:00:00:00:00:01", CLIENT, SERVER), 5),
    ],
)
def test_an_idle_flow_ends_after_the_timeout_of_its_protocol(make: object, timeout: int) -> None:
    def identities(gap: float) -> int:
        records = observed([(0, make()), (gap, make())], status_interval=SECOND)  # type: ignore[operator]
        return len({record["flow_id"].tobytes() for record in records})

    assert identities(timeout - 0.1) == 1
    assert identities(timeout + 0.1) == 2


def test_ports_used_again_make_a_new_flow() -> None:
    again = [(time + 1, tcp_frame(*C, flags="S", sequence=77000)) for time in (0.0,)]
    records = observed(conversation() + again)
    assert records["cause"].tolist() == [Cause.CLOSE, Cause.SHUTDOWN]
    assert records["src_packets"].tolist() == [5, 1]
    assert records[0]["flow_id"].tobytes() != records[1]["flow_id"].tobytes()


def data(sequence: int, size: int, identification: int, acknowledgement: int = 1) -> bytes:
    return tcp_frame(
        *C,
        flags="PA",
        sequence=sequence,
        acknowledgement=acknowledgement,
        payload=b"d" * size,
        identification=identification,
    )


def test_a_segment_sent_again_is_a_retransmission() -> None:
    record = only(observed([(0, data(1000, 500, 1)), (0.3, data(1000, 500, 2)), (0.4, data(1500, 500, 3))]))
    assert (record["src_retransmitted_packets"], record["src_retransmitted_bytes"]) == (1, 500)
    assert record["src_lost_packets"] == 1
    assert record["tcp_state"] & TcpState.SRC_RETRANSMITTED
    assert record["src_gap_bytes"] == 0


def test_segments_that_overtook_each_other_are_out_of_order_not_lost() -> None:
    record = only(observed([(0, data(1000, 500, 1)), (0.001, data(2000, 500, 3)), (0.0015, data(1500, 500, 2))]))
    assert (record["src_out_of_order_packets"], record["src_lost_packets"]) == (1, 0)
    assert record["src_gap_bytes"] == 0


def test_a_gap_that_stays_is_counted_and_one_filled_late_is_loss() -> None:
    gap = [(0.0, data(1000, 500, 1)), (0.001, data(2000, 500, 3))]
    assert only(observed(gap))["src_gap_bytes"] == 500
    filled = only(observed([*gap, (0.5, data(1500, 500, 9))]))
    assert (filled["src_gap_bytes"], filled["src_retransmitted_packets"], filled["src_lost_packets"]) == (0, 1, 1)


def test_sequence_numbers_wrap() -> None:
    record = only(observed([(0, data(2**32 - 200, 500, 1)), (0.01, data(300, 500, 2)), (0.02, data(800, 10, 3))]))
    assert (record["src_retransmitted_packets"], record["src_gap_bytes"]) == (0, 0)


def test_a_keep_alive_is_no_loss() -> None:
    record = only(observed([(0, data(1000, 500, 1)), (9, data(1499, 1, 2))], status_interval=60 * SECOND))
    assert record["src_lost_packets"] == 0


def test_a_closed_window_is_counted() -> None:
    shut = tcp_frame(*S, flags="A", sequence=1, acknowledgement=1500, window=0)
    record = only(observed([(0, data(1000, 500, 1)), (0.1, shut), (0.2, shut)]))
    assert record["dst_zero_window_packets"] == 2
    assert record["tcp_state"] & TcpState.DST_WINDOW_SHUT


def test_inter_packet_times_are_kept_as_moments() -> None:
    record = only(observed([(0, udp_frame(*C)), (0.010, udp_frame(*C)), (0.040, udp_frame(*C))]))
    assert (record["src_interval_count"], record["src_interval_sum"]) == (2, 40_000_000)
    assert (record["src_interval_min"], record["src_interval_max"]) == (10_000_000, 30_000_000)
    assert record["src_interval_square_sum"] == 10_000.0**2 + 30_000.0**2


def test_sizes_ttl_and_tos_of_each_side() -> None:
    record = only(
        observed([(0, udp_frame(*C, b"x" * 10, ttl=60, tos=8)), (1, udp_frame(*C, b"x" * 50, ttl=64, tos=16))])
    )
    assert (record["src_size_min"], record["src_size_max"]) == (52, 92)
    assert (record["src_ttl"], record["src_ttl_min"], record["src_ttl_max"], record["src_tos"]) == (64, 60, 64, 16)
    assert (record["dst_ttl"], record["dst_size_min"]) == (0, 0)


def test_each_dns_transaction_is_a_flow() -> None:
    query = (CLIENT, SERVER, 5353, 53)
    records = observed(
        [(0, udp_frame(*query, b"\x00\x01" + bytes(10))), (1, udp_frame(*query, b"\x00\x02" + bytes(10)))]
    )
    assert records["discriminator"].tolist() == [1, 2]


@pytest.mark.parametrize(("client", "server", "kind"), [(CLIENT, SERVER, 8), ("2001:db8::1", "2001:db8::2", 128)])
def test_a_ping_and_its_answer_are_one_flow_whichever_comes_first(client: str, server: str, kind: int) -> None:
    request, reply = echo_frame(client, server, 7, 3), echo_frame(server, client, 7, 3, reply=True)
    for frames in ([request, reply], [reply, request]):
        record = only(observed([(float(n), each) for n, each in enumerate(frames)]))
        assert (record["src_packets"], record["dst_packets"]) == (1, 1)
        assert (record["src_port"], record["dst_port"], record["discriminator"]) == (kind << 8, 7, 3)


def test_the_source_of_a_ping_is_who_asked_and_with_ipv6_who_was_seen_first() -> None:
    """As in Argus."""
    late = [(0.0, echo_frame(SERVER, CLIENT, 7, 3, reply=True)), (1.0, echo_frame(CLIENT, SERVER, 7, 3))]
    assert only(observed(late))["src_address"].tobytes()[-1] == 5
    client, server = "2001:db8::1", "2001:db8::2"
    late = [(0.0, echo_frame(server, client, 7, 3, reply=True)), (1.0, echo_frame(client, server, 7, 3))]
    assert only(observed(late))["src_address"].tobytes()[-1] == 2


def test_an_icmp_unreachable_names_the_port_that_was_not() -> None:
    quoted = ipv4(udp(CLIENT, SERVER, 4000, 161), CLIENT, SERVER, 17)
    record = only(observed([(0, icmp_error_frame(SERVER, CLIENT, 3, 3, quoted))]))
    assert (record["src_port"], record["dst_port"]) == (3 << 8 | 3, 161)


def test_an_arp_answer_is_the_other_direction_of_the_question() -> None:
    asked = arp_frame(1, "02:00:00:00:00:01", CLIENT, SERVER)
    told = arp_frame(2, "02:00:00:00:00:02", SERVER, CLIENT, target_mac="02:00:00:00:00:01")
    record = only(observed([(0, asked), (0.1, told)]))
    assert (record["ethertype"], record["src_packets"], record["dst_packets"]) == (0x0806, 1, 1)
    assert record["src_address"].tobytes()[-4:] == bytes([10, 1, 0, 5])
    alone = only(observed([(0, told)]))
    assert (alone["src_packets"], alone["dst_packets"]) == (0, 1)


def test_vlan_tags_outer_and_inner() -> None:
    record = only(observed([(0, udp_frame(*C, vlans=(100, 20)))]))
    assert (record["src_vlan"], record["src_inner_vlan"]) == (100, 20)
    assert record["src_encapsulations"] == Encapsulation.ETHERNET | Encapsulation.VLAN


def test_fragments_count_in_the_flow_of_their_first_one() -> None:
    whole = udp(CLIENT, SERVER, 4000, 5000, b"p" * 2000)
    first = frame(ipv4(whole[:1480], CLIENT, SERVER, 17, identification=9, more_fragments=True))
    later = frame(ipv4(whole[1480:], CLIENT, SERVER, 17, identification=9, fragment_offset=1480))
    record = only(observed([(0, first), (0.001, later)]))
    assert (record["src_packets"], record["src_fragments"]) == (2, 2)
    assert (record["src_port"], record["dst_port"]) == (4000, 5000)
    assert record["flow_flags"] & FlowFlags.FRAGMENTS
    assert only(observed([(0, later)]))["src_port"] == 0


def test_anything_else_is_a_flow_between_mac_addresses() -> None:
    there = ethernet(b"payload" * 10, 0x88CC, source="02:00:00:00:00:aa", destination="02:00:00:00:00:bb")
    back = ethernet(b"payload" * 10, 0x88CC, source="02:00:00:00:00:bb", destination="02:00:00:00:00:aa")
    record = only(observed([(0, there), (1, back)]))
    assert record["ethertype"] == 0x88CC
    assert record["src_address"].tobytes() == bytes(10) + bytes.fromhex("0200000000aa")
    assert (record["src_packets"], record["dst_packets"]) == (1, 1)
    assert record["src_app_bytes"] == len(there)


def test_mac_addresses_of_both_ends_are_known_from_one_frame() -> None:
    record = only(observed([(0, udp_frame(*C, source_mac="02:00:00:00:00:01", destination_mac="02:00:00:00:00:02"))]))
    assert record["src_mac"].tobytes().hex() == "020000000001"
    assert record["dst_mac"].tobytes().hex() == "020000000002"


@pytest.mark.parametrize(
    ("link_type", "header"),
    [(RAW, b""), (NULL, b"\x02\0\0\0"), (LINUX_SLL, b"\0\0\0\x01\0\x06\x02\0\0\0\0\x01\0\0\x08\0")],
)
def test_other_link_layers(link_type: int, header: bytes) -> None:
    packet = ip(udp(CLIENT, SERVER, 4000, 5000, b"hi"), CLIENT, SERVER, 17)
    record = only(observed([(0, header + packet)], link_type))
    assert (record["src_port"], record["dst_port"], record["src_app_bytes"]) == (4000, 5000, 2)


def test_wireless_management_frames_are_flows_between_stations() -> None:
    beacon = b"\x80\0\0\0" + b"\xff" * 6 + b"\x02\0\0\0\0\x09" * 2 + bytes(30)
    record = only(observed([(0, beacon)], IEEE802_11))
    assert record["src_address"].tobytes()[-6:].hex() == "020000000009"


def test_segmentation_offload_leaves_the_length_zero() -> None:
    packet = bytearray(tcp_frame(*C, flags="PA", payload=b"x" * 5000))
    packet[16:18] = b"\0\0"
    assert only(observed([(0, bytes(packet))]))["src_app_bytes"] == 5000


def test_headers_cut_by_the_snaplen_still_count() -> None:
    record = only(observed([(0, tcp_frame(*C)[:36])]))
    assert record["flow_flags"] & FlowFlags.HEADER_NOT_CAPTURED
    assert record["src_packets"] == 1
