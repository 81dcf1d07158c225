from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from probes.flows.identity import MPLS_KEY, UNIDIRECTIONAL, VLAN_KEY
from tests.probes.observed import CLIENT, SERVER, observed, only
from tests.traffic.encapsulations import vxlan
from tests.traffic.packets import (
    echo_frame,
    frame,
    icmp,
    icmp_error_frame,
    icmp_frame,
    ip,
    ipv4,
    tcp_frame,
    udp,
    udp_frame,
)
from topics.flags import IcmpError

ROUTER, ROUTER6 = "192.0.2.254", "2001:db8::fe"
CLIENT6, SERVER6 = "2001:db8:1::5", "2001:db8:2::9"
UNREACHABLE, REDIRECT, TIME_EXCEEDED = IcmpError.UNREACHABLE, IcmpError.REDIRECT, IcmpError.TIME_EXCEEDED


def error(kind: int, code: int, about: bytes, router: str = ROUTER, client: str = CLIENT) -> bytes:
    """A frame that quotes the IP packet of another frame."""
    return icmp_error_frame(router, client, kind, code, about[14:])


def asked(records: Any, protocol: int = 17) -> Any:
    """The record of the flow that an error is about."""
    return only(records[records["protocol"] == protocol])


SENT = udp_frame(CLIENT, SERVER, 4000, 5000, b"anyone?")
SENT6 = udp_frame(CLIENT6, SERVER6, 4000, 5000, b"anyone?")


@pytest.mark.parametrize(
    ("kind", "code", "bit"),
    [
        (3, 0, UNREACHABLE),
        (3, 1, UNREACHABLE),
        (3, 2, UNREACHABLE),
        (3, 3, UNREACHABLE),
        (3, 13, UNREACHABLE),
        (5, 1, REDIRECT),
        (11, 0, TIME_EXCEEDED),
        (11, 1, TIME_EXCEEDED),
    ],
)
def test_an_error_is_told_to_the_flow_that_it_quotes(kind: int, code: int, bit: IcmpError) -> None:
    record = asked(observed([(0, SENT), (0.1, error(kind, code, SENT))]))
    assert (record["icmp_error"], record["icmp_error_type"], record["icmp_error_code"]) == (bit, kind, code)
    assert record["icmp_error_router"].tobytes()[-4:] == ipaddress.ip_address(ROUTER).packed


@pytest.mark.parametrize(("kind", "bit"), [(1, UNREACHABLE), (3, TIME_EXCEEDED)])
def test_an_error_of_ipv6_is_told_too(kind: int, bit: IcmpError) -> None:
    record = asked(observed([(0, SENT6), (0.1, error(kind, 4, SENT6, ROUTER6, CLIENT6))]))
    assert (record["icmp_error"], record["icmp_error_type"], record["icmp_error_code"]) == (bit, kind, 4)
    assert record["icmp_error_router"].tobytes() == ipaddress.ip_address(ROUTER6).packed


@pytest.mark.parametrize(
    ("sent", "router", "client", "kind"),
    [(SENT, ROUTER, CLIENT, 4), (SENT, ROUTER, CLIENT, 12), (SENT6, ROUTER6, CLIENT6, 2), (SENT6, ROUTER6, CLIENT6, 4)],
    ids=["quench", "parameter", "too big", "parameter of IPv6"],
)
def test_advice_is_no_error_of_the_flow(sent: bytes, router: str, client: str, kind: int) -> None:
    assert asked(observed([(0, sent), (0.1, error(kind, 0, sent, router, client))]))["icmp_error"] == 0


SYN = tcp_frame(CLIENT, SERVER, 4000, 80, flags="S")
PING, PING6 = echo_frame(CLIENT, SERVER, 7, 3, b"ping"), echo_frame(CLIENT6, SERVER6, 7, 3, b"ping")
QUERY = udp_frame(CLIENT, SERVER, 5353, 53, b"\x12\x34" + bytes(10))


@pytest.mark.parametrize("sent", [SYN, QUERY], ids=["tcp", "a DNS transaction that is quoted in full"])
def test_errors_about_other_protocols(sent: bytes) -> None:
    whole = icmp_frame(ROUTER, CLIENT, 3, 1, bytes(4) + sent[14:])
    record = asked(observed([(0, sent), (0.1, whole)]), protocol=sent[23])
    assert record["icmp_error"] == UNREACHABLE


def test_errors_about_pings() -> None:
    records = observed([(0, PING), (0.1, error(11, 0, PING))])
    assert records[records["src_port"] == 8 << 8]["icmp_error"].tolist() == [TIME_EXCEEDED]
    records = observed([(0, PING6), (0.1, error(3, 0, PING6, ROUTER6, CLIENT6))])
    assert records[records["src_port"] == 128 << 8]["icmp_error"].tolist() == [TIME_EXCEEDED]


def test_an_answer_that_was_quoted_belongs_to_the_same_flow() -> None:
    answer = udp_frame(SERVER, CLIENT, 5000, 4000)
    record = asked(observed([(0, SENT), (0.1, answer), (0.2, error(3, 3, answer, client=SERVER))]))
    assert (record["src_packets"], record["dst_packets"], record["icmp_error"]) == (1, 1, UNREACHABLE)


def test_an_error_is_a_flow_of_its_own_as_well() -> None:
    records = observed([(0, SENT), (0.1, error(3, 3, SENT))])
    own = asked(records, protocol=1)
    assert (own["src_packets"], own["src_port"], own["dst_port"]) == (1, 3 << 8 | 3, 5000)
    assert own["src_app_bytes"] == len(SENT) - 14 - 20  # what the quoted datagram carried


def test_an_error_adds_no_packet_and_no_time_to_the_flow() -> None:
    record = asked(observed([(0, SENT), (2, error(3, 3, SENT))]))
    assert (record["src_packets"], record["dst_packets"]) == (1, 0)
    assert record["src_last"] == record["src_first"]
    assert record["src_bytes"] == len(SENT)


def test_the_first_error_is_named_and_all_kinds_are_kept() -> None:
    other = error(3, 1, SENT, router="192.0.2.77")
    record = asked(observed([(0, SENT), (0.1, error(11, 0, SENT)), (0.2, other)]))
    assert record["icmp_error"] == TIME_EXCEEDED | UNREACHABLE
    assert (record["icmp_error_type"], record["icmp_error_code"]) == (11, 0)
    assert record["icmp_error_router"].tobytes()[-4:] == ipaddress.ip_address(ROUTER).packed


@pytest.mark.parametrize("unlike", [(4001, 5000), (4000, 5001)])
def test_an_error_about_another_flow_changes_none(unlike: tuple[int, int]) -> None:
    records = observed([(0, SENT), (0.1, error(3, 1, udp_frame(CLIENT, SERVER, *unlike)))])
    assert asked(records)["icmp_error"] == 0


@pytest.mark.parametrize("kept", range(28))
def test_a_quotation_that_is_cut_names_no_flow(kept: int) -> None:
    cut = icmp_frame(ROUTER, CLIENT, 3, 1, bytes(4) + SENT[14 : 14 + kept])
    assert asked(observed([(0, SENT), (0.1, cut)]))["icmp_error"] == 0


@pytest.mark.parametrize("lie", [b"\x00", b"\x44", b"\x4f", b"\x65"])
def test_a_quotation_that_lies_about_its_header_names_no_flow(lie: bytes) -> None:
    damaged = icmp_frame(ROUTER, CLIENT, 3, 1, bytes(4) + lie + SENT[15 : 14 + 28])
    assert asked(observed([(0, SENT), (0.1, damaged)]))["icmp_error"] == 0


def test_a_quotation_with_options_is_read_behind_them() -> None:
    datagram = ipv4(udp(CLIENT, SERVER, 4000, 5000), CLIENT, SERVER, 17, options=bytes(8))
    record = asked(observed([(0, SENT), (0.1, icmp_error_frame(ROUTER, CLIENT, 3, 3, datagram))]))
    assert record["icmp_error"] == UNREACHABLE


@pytest.mark.parametrize(("code", "named"), [(3, 5000), (2, 17)])
def test_what_could_not_be_reached_is_the_port_of_the_error(code: int, named: int) -> None:
    own = asked(observed([(0, error(3, code, SENT))]), protocol=1)
    assert (own["src_port"], own["dst_port"]) == (3 << 8 | code, named)


def test_errors_about_two_hosts_are_two_flows() -> None:
    hosts = [udp_frame(CLIENT, f"203.0.113.{number}", 1, 2) for number in (1, 2)]
    records = observed([(n / 10, error(3, 1, each)) for n, each in enumerate(hosts)])
    assert len(records) == 2


@pytest.mark.parametrize("addition", [VLAN_KEY, MPLS_KEY, UNIDIRECTIONAL])
def test_errors_are_told_under_added_keys(addition: int) -> None:
    sent = udp_frame(CLIENT, SERVER, 4000, 5000, vlans=[7])
    quoted = ip(udp(CLIENT, SERVER, 4000, 5000), CLIENT, SERVER, 17)
    records = observed(
        [(0, sent), (0.1, icmp_error_frame(ROUTER, CLIENT, 3, 3, quoted, vlans=[7]))], key_additions=addition
    )
    assert asked(records)["icmp_error"] == UNREACHABLE


def test_errors_are_told_inside_their_own_network_only() -> None:
    def within(network: int, inner: bytes) -> bytes:
        return udp_frame("192.0.2.1", "192.0.2.2", 49152, 4789, vxlan(inner, network))

    frames = [(0, within(1, SENT)), (0.1, within(2, SENT)), (0.2, within(2, error(3, 3, SENT)))]
    records = observed(frames)
    told = {int(each["tunnel_id"]): int(each["icmp_error"]) for each in records[records["protocol"] == 17]}
    assert told == {1: 0, 2: UNREACHABLE}


def test_timestamps_and_masks_have_their_answers_in_the_same_flow() -> None:
    for kind in (13, 15, 17):
        there = frame(ip(icmp(kind, 0, bytes(16)), CLIENT, SERVER, 1))
        back = frame(ip(icmp(kind + 1, 0, bytes(16)), SERVER, CLIENT, 1))
        record = only(observed([(0, there), (0.1, back)]))
        assert (record["src_packets"], record["dst_packets"]) == (1, 1)


def numbered(identification: int) -> bytes:
    return udp_frame(CLIENT, SERVER, 4000, 5000, b"anyone?", identification=identification)


def test_an_error_is_timed_from_the_packet_that_it_quotes() -> None:
    record = asked(observed([(0, SENT), (1, SENT), (1.25, error(11, 0, SENT))]))
    assert record["icmp_error_time"] == 250_000_000


def test_the_first_error_of_a_record_that_can_be_timed_is() -> None:
    first, second, third = (numbered(number) for number in (7, 8, 9))
    late = [(0, first), (0.1, second), (0.3, error(11, 0, first)), (0.4, error(11, 0, second)), (0.5, third)]
    record = asked(observed([*late, (0.9, error(11, 0, third))]))
    assert record["icmp_error_time"] == 300_000_000, "the first error quotes a packet that is not the last one"


def test_the_error_of_another_router_is_not_timed() -> None:
    first, second = numbered(7), numbered(8)
    frames = [(0, first), (0.1, second), (0.2, error(11, 0, first)), (0.3, error(11, 0, second, router="192.0.2.1"))]
    assert asked(observed(frames))["icmp_error_time"] == 0


def test_a_later_record_has_no_time_of_an_earlier_error() -> None:
    records = observed([(0, SENT), (0.1, error(3, 3, SENT)), (7, SENT)])
    times = records[records["protocol"] == 17]["icmp_error_time"]
    assert times.tolist() == [100_000_000, 0]


def test_errors_over_ipv6_are_timed() -> None:
    about = icmp_error_frame(ROUTER6, CLIENT6, 3, 0, SENT6[14:])
    assert asked(observed([(0, SENT6), (0.03, about)]))["icmp_error_time"] == 30_000_000
