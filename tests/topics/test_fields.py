"""Values as text, without Argus at hand: what our records have beyond its own, and what no record should break."""

import time
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.topics.batches import random_batch
from topics.batch import FlowBatch, records_like
from topics.errors import UsageError
from topics.fields import Style, field, fields
from topics.flags import Cause, Encapsulation, FlowFlags, IcmpError, TcpState
from topics.frame import to_arrow

SECOND = 1_000_000_000
IPV4 = [0] * 10 + [255, 255, 192, 0, 2, 1]
MAPPED_ALONE, BROADCAST = [0] * 10 + [255, 255] + [0] * 4, [0] * 10 + [255] * 6
LOCALHOST = [0] * 10 + [255, 255, 127, 0, 0, 1]
LOOPBACK = {  # of an interface that says it were Ethernet
    "ethertype": 0x0800,
    "src_address": LOCALHOST,
    "dst_address": LOCALHOST,
    "src_encapsulations": int(Encapsulation.ETHERNET),
}
NUMBERS = Style(port_names=False, protocol_names=False)


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    records = records_like(len(rows))
    for row, values in enumerate(rows):
        for name, value in values.items():
            records[name][row] = value
    return as_frame(FlowBatch(records=records, site="lab", probe="tap"))


def as_frame(batch: FlowBatch) -> pl.DataFrame:
    converted = pl.from_arrow(to_arrow(batch))
    assert isinstance(converted, pl.DataFrame)
    return converted


def text(name: str, style: Style = Style(), **values: Any) -> str | None:  # noqa: B008 - a tuple of constants
    printed = frame(values).select(field(name).text(style)).item()
    assert printed is None or isinstance(printed, str)
    return printed


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("sload", {"records": 1, "src_packets": 1, "src_bytes": 100}, "0.000000"),
        ("sload", {"records": 1, "src_packets": 2, "src_bytes": 100, "src_last": 2 * SECOND}, "200.000000"),
        ("sload", {"records": 2, "src_packets": 2, "src_bytes": 100, "src_last": 2 * SECOND}, "400.000000"),
        ("sload", {"src_packets": 2, "src_bytes": 123_456_788, "src_last": 2 * SECOND}, "246913576.000000"),
        ("srate", {"src_packets": 3, "src_last": 2 * SECOND}, "1.000000"),
        ("mean", {"records": 2, "duration_sum": 3 * SECOND}, "1.500000"),
        ("mean", {"records": 0}, "0.000000"),
        ("min", {"records": 0}, None),
        ("stddev", {"records": 2, "duration_sum": 4 * SECOND, "duration_square_sum": 1e13}, "1.000000"),
        ("ploss", {"src_packets": 8, "dst_packets": 1, "src_lost_packets": 1}, "10.000000"),
        ("pcr", {"src_app_bytes": 1, "dst_app_bytes": 3}, "-0.500000"),
        ("pcr", {}, "0.000000"),
        ("sintpkt", {"src_interval_count": 2, "src_interval_sum": 3_000_000}, "1.500000"),
        ("sintpkt", {}, None),
        ("sintpktmin", {"src_interval_count": 1, "src_interval_min": 5, "src_idle_interval_count": 0}, "0.000005"),
        ("sjit", {"src_interval_count": 2, "src_interval_sum": 4_000_000, "src_interval_square_sum": 1e7}, "1.000000"),
        ("shops", {"src_packets": 1, "ethertype": 0x0800, "src_ttl": 57}, "7"),
        ("shops", {"src_packets": 1, "ethertype": 0x0800, "src_ttl": 255}, "1"),
        ("svlan", {"src_packets": 1, "src_vlan": 0x6005}, "0x6005"),
        ("svid", {"src_packets": 1, "src_vlan": 0x6005}, "5"),
        ("svpri", {"src_packets": 1, "src_vlan": 0x6005}, "3"),
        ("svpri", {"src_packets": 1, "src_vlan": 5}, None),
        ("svid", {"src_packets": 1}, None),
        ("sport", {"ethertype": 0x0800, "protocol": 132}, None),
        ("sport", {"ethertype": 0x0800, "protocol": 132, "src_port": 7}, "7"),
        ("sport", {"ethertype": 0x0800, "protocol": 17}, None),
        ("sminsz", {"src_packets": 1}, None),
        ("smpls", {"src_packets": 1, "src_mpls": 0x12345_1FF}, str(0x12345)),
        ("smask", {"ethertype": 0x0800, "src_address": IPV4, "src_prefix_length": 128}, "32"),
        ("smask", {"ethertype": 0x0806, "src_address": IPV4, "src_prefix_length": 128}, "32"),
        ("smask", {"ethertype": 0, "src_address": MAPPED_ALONE, "src_prefix_length": 96}, "0"),
        ("smask", {"ethertype": 0x86DD, "src_address": [32, 1] + [0] * 14, "src_prefix_length": 16}, "16"),
        ("smask", {"ethertype": 0x88CC, "src_address": BROADCAST, "src_prefix_length": 128}, "128"),
        ("smask", {"ethertype": 0, "src_prefix_length": 0}, "0"),
        ("inode", {"icmp_error": 1, "icmp_error_router": IPV4}, "192.0.2.1"),
        ("inode", {"icmp_error_router": IPV4}, None),
        ("smac", {"src_mac": [2, 0, 0, 0, 0, 254]}, "02:00:00:00:00:fe"),
        ("smac", {}, None),
        ("smac", {**LOOPBACK}, "00:00:00:00:00:00"),
        ("dmac", {**LOOPBACK}, "00:00:00:00:00:00"),
        ("dmac", {**LOOPBACK, "src_mac": [2, 0, 0, 0, 0, 254]}, None),
        ("smac", {**LOOPBACK, "src_encapsulations": int(Encapsulation.SLL)}, None),
        ("smac", {**LOOPBACK, "dst_address": [0] * 16}, None),
        ("smac", {**LOOPBACK, "src_address": IPV4}, None),
        ("smac", {**LOOPBACK, "flow_flags": int(FlowFlags.MULTIPLE_MACS)}, None),
        ("soui", {"src_mac": [2, 0, 170, 0, 0, 254]}, "02:00:aa"),
        ("srcid", {}, "tap"),
        ("cause", {"cause": Cause.SHUTDOWN}, "Shutdown"),
        ("state", {"protocol": 6, "tcp_state": TcpState.SRC_RESET | TcpState.FIN}, "RST"),
        ("state", {"protocol": 17, "src_packets": 1, "status_sequence": 1}, "REQ"),
        ("state", {"protocol": 1, "src_port": 8 << 8, "icmp_error": 4, "icmp_error_type": 11}, "TXD"),
        ("state", {"protocol": 58, "src_port": 135 << 8}, "NNS"),
        ("dir", {"protocol": 6, "src_packets": 1, "dst_packets": 1}, "<?>"),
        ("dir", {"protocol": 6, "dst_packets": 1, "tcp_state": TcpState.SYN}, " ->"),
        ("dir", {"protocol": 17, "dst_packets": 1}, "<- "),
        ("dir", {"ethertype": 0x0806, "src_packets": 1}, "who"),
        ("flgs", {"icmp_error": IcmpError.UNREACHABLE | IcmpError.TIME_EXCEEDED}, "  I      "),
        ("flgs", {"protocol": 17, "src_lost_packets": 1, "flow_flags": FlowFlags.FRAGMENTS}, "   s  F  "),
        ("flgs", {"src_encapsulations": Encapsulation.VLAN | Encapsulation.ETHERNET}, " *       "),
        ("flgs", {"protocol": 6, "dst_gap_bytes": 9, "src_ip_options": 0x20}, "   g   A "),
        ("senc", {"src_encapsulations": Encapsulation.VLAN | Encapsulation.ETHERNET}, "ev"),
        ("hash", {"flow_id": [1] * 16}, "01" * 16),
    ],
)
def test_a_value_as_text(name: str, values: dict[str, Any], expected: str | None) -> None:
    first = {"src_first": 1, "src_last": 1} | values
    if "src_last" in values:
        first |= {"src_first": SECOND, "src_last": SECOND + values["src_last"]}
    assert text(name, **first) == expected


@pytest.mark.parametrize(
    ("values", "words", "numbers"),
    [
        ({"protocol": 6, "dst_port": 443, "ethertype": 0x0800}, ("tcp", "https"), ("6", "443")),
        ({"protocol": 132, "dst_port": 38412, "ethertype": 0x0800}, ("sctp", "ng-control"), ("132", "38412")),
        ({"protocol": 2, "ethertype": 0x0800}, ("igmp", None), ("2", None)),
        ({"protocol": 250, "ethertype": 0x86DD}, ("unas", None), ("250", None)),
        ({"protocol": 1, "dst_port": 0x0500, "ethertype": 0x0800}, ("icmp", "0x0005"), ("1", "0x0005")),
        ({"protocol": 58, "src_port": 0x8003, "ethertype": 0x86DD}, ("ipv6-icmp", "0x0003"), ("58", "3")),
        ({"protocol": 50, "discriminator": 0xABCD, "ethertype": 0x0800}, ("esp", "0x0000abcd"), ("50", "0x0000abcd")),
        ({"protocol": 17, "flow_flags": FlowFlags.RTP, "ethertype": 0x0800}, ("rtp", None), ("17", "0")),
        ({"ethertype": 0x0806}, ("arp", None), ("2054", None)),
        ({"ethertype": 0x88CC}, ("lldp", ""), ("35020", "0")),
        ({"ethertype": 0x1234}, ("unknown", ""), ("4660", "0")),
        ({"ethertype": 0x4243, "dst_encapsulations": Encapsulation.LLC}, ("llc", "stp"), ("0", "66")),
        ({"ethertype": 0x2000, "src_encapsulations": Encapsulation.LLC}, ("unknown", ""), ("8192", "0")),
        ({"ethertype": 0x0800, "flow_flags": FlowFlags.MALFORMED}, ("ip", ""), ("2048", "0")),
        ({}, ("ip", None), ("0", None)),
    ],
)
def test_protocols_and_ports(
    values: dict[str, Any], words: tuple[str, str | None], numbers: tuple[str, str | None]
) -> None:
    assert (text("proto", **values), text("dport", **values)) == words
    assert (text("proto", NUMBERS, **values), text("dport", NUMBERS, **values)) == numbers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ethertype": 0x0800, "src_address": IPV4}, "192.0.2.1"),
        ({"ethertype": 0x86DD, "src_address": [32, 1, 13, 184] + [0] * 11 + [1]}, "2001:db8::1"),
        ({"ethertype": 0x0806, "src_address": IPV4}, "192.0.2.1"),
        ({"ethertype": 0x88CC, "src_address": [0] * 15 + [9]}, "00:00:00:00:00:09"),
        ({"ethertype": 0x0800, "flow_flags": FlowFlags.MALFORMED, "src_address": [0] * 15 + [9]}, "00:00:00:00:00:09"),
        ({"ethertype": 0, "src_address": IPV4}, "192.0.2.1"),
        ({}, "0.0.0.0"),
    ],
)
def test_addresses(values: dict[str, Any], expected: str) -> None:
    assert text("saddr", **values) == expected


def test_payload_shows_what_can_be_read_of_its_start() -> None:
    records = records_like(1)
    records["src_payload_length"] = 8
    batch = FlowBatch(records=records, heap=np.frombuffer(b"GET /\r\n\xff", np.uint8))
    printed = as_frame(batch).select(
        whole=field("suser").text(Style()), start=field("suser").with_width(4).text(Style())
    )
    assert printed.row(0) == ("s[8]=GET /...", "s[4]=GET ")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "00:59:59.123456"), ("Europe/Berlin", "01:59:59.123456"), ("EST5EDT", "20:59:59.123456")],
)
def test_times_are_local_as_of_their_own_day(zone: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1_774_745_999_123_456_789  # 2026-03-29 00:59:59 UTC, a second before clocks change in Europe
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert text("stime", src_first=moment) == expected
        assert text("stime", src_first=moment + SECOND) is not None
        later = {"UTC": "01", "Europe/Berlin": "03", "EST5EDT": "21"}[zone]
        assert str(text("stime", src_first=moment + SECOND)).startswith(f"{later}:00:00")
    time.tzset()


def test_times_have_nanoseconds_when_asked() -> None:
    moment = 1_700_000_000_123_456_789
    assert text("stime", Style(precision=9, epoch=True), src_first=moment) == "1700000000.123456789"
    assert text("stime", Style(precision=0, epoch=True), src_first=moment) == "1700000000"


def test_an_unknown_field_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"^unknown field 'sadr'; did you mean 'saddr'\?$"):
        field("sadr")


@pytest.mark.parametrize("seed", range(5))
def test_no_record_is_too_strange_to_print(seed: int) -> None:
    records = as_frame(random_batch(seed, 300)).with_columns(rank=pl.int_range(300), origin=pl.lit(0))
    for style in (Style(), Style(9, False, False, True, "both"), Style(0, tcp_state="letters")):
        printed = records.select(known.text(style).alias(name) for name, known in fields().items())
        assert all(kind == pl.String for kind in printed.dtypes)
        assert printed.height == 300
