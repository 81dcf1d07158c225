from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from probes.capture import link_types as links
from tests.probes.observed import CLIENT, SERVER, batch_of, block, counts_of, observed, only
from tests.traffic import encapsulations as e
from tests.traffic.packets import CLIENT_MAC, SERVER_MAC, ethernet, frame, ip, udp, vlan
from topics.flags import Encapsulation, FlowFlags

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENT6, SERVER6 = "2001:db8:1::5", "2001:db8:2::9"
PACKET = ip(udp(CLIENT, SERVER, 4000, 5000, b"inner"), CLIENT, SERVER, 17)
PACKET6 = ip(udp(CLIENT6, SERVER6, 4000, 5000, b"inner"), CLIENT6, SERVER6, 17)
STATION, ACCESS_POINT, OTHER = "02:00:00:00:00:0a", e.BSSID, "02:00:00:00:00:0c"
CONTROL = b"\0\0\0\0"  # of a pseudowire

NONE, ETHERNET = Encapsulation(0), Encapsulation.ETHERNET
CASES: dict[str, tuple[int, bytes, Encapsulation]] = {
    "raw": (links.RAW, PACKET, NONE),
    "raw of BSD, IPv6": (links.RAW_BSD, PACKET6, NONE),
    "raw of OpenBSD": (links.RAW_OPENBSD, PACKET, NONE),
    "IPv4": (links.IPV4, PACKET, NONE),
    "IPv6": (links.IPV6, PACKET6, NONE),
    "null, little endian": (links.NULL, b"\x02\0\0\0" + PACKET, NONE),
    "null, big endian": (links.NULL, b"\0\0\0\x02" + PACKET, NONE),
    "null, IPv6 of another system": (links.NULL, b"\x1e\0\0\0" + PACKET6, NONE),
    "loop": (links.LOOP, b"\0\0\0\x02" + PACKET, NONE),
    "ethernet": (links.ETHERNET, frame(PACKET), ETHERNET),
    "tag": (links.ETHERNET, frame(PACKET, vlans=[5]), ETHERNET | Encapsulation.VLAN),
    "service tag": (links.ETHERNET, ethernet(vlan(vlan(PACKET, 6), 5, 0x8100), 0x88A8), ETHERNET | Encapsulation.VLAN),
    "old service tag": (links.ETHERNET, ethernet(vlan(PACKET6, 5, 0x86DD), 0x9100), ETHERNET | Encapsulation.VLAN),
    "snap": (links.ETHERNET, e.ieee8023(e.snap(PACKET, 0x0800)), ETHERNET | Encapsulation.LLC),
    "snap of 802.1H": (links.ETHERNET, e.ieee8023(e.snap(PACKET6, 0x86DD, 0xF8)), ETHERNET | Encapsulation.LLC),
    "snap with tag": (
        links.ETHERNET,
        e.ieee8023(e.snap(vlan(PACKET, 5), 0x8100)),
        ETHERNET | Encapsulation.LLC | Encapsulation.VLAN,
    ),
    "tag with snap": (
        links.ETHERNET,
        ethernet(vlan(e.snap(PACKET, 0x0800), 5, len(PACKET) + 8), 0x8100),
        ETHERNET | Encapsulation.LLC | Encapsulation.VLAN,
    ),
    "isl": (links.ETHERNET, e.isl(frame(PACKET), 7), ETHERNET | Encapsulation.ISL),
    "mpls": (links.ETHERNET, frame(e.mpls(PACKET, 100), ethertype=0x8847), ETHERNET | Encapsulation.MPLS),
    "mpls stack, multicast": (
        links.ETHERNET,
        frame(e.mpls(PACKET6, 100, 200, 300), ethertype=0x8848),
        ETHERNET | Encapsulation.MPLS,
    ),
    "mpls of ethernet": (
        links.ETHERNET,
        frame(e.mpls(frame(PACKET), 100), ethertype=0x8847),
        ETHERNET | Encapsulation.MPLS,
    ),
    "mpls of ethernet with control word": (
        links.ETHERNET,
        frame(e.mpls(CONTROL + frame(PACKET), 100), ethertype=0x8847),
        ETHERNET | Encapsulation.MPLS,
    ),
    "tag and mpls": (
        links.ETHERNET,
        frame(e.mpls(PACKET, 100), vlans=[5], ethertype=0x8847),
        ETHERNET | Encapsulation.VLAN | Encapsulation.MPLS,
    ),
    "pppoe": (links.ETHERNET, frame(e.pppoe(e.ppp(PACKET)), ethertype=0x8864), ETHERNET | Encapsulation.PPPOE),
    "pppoe of IPv6 behind a tag": (
        links.ETHERNET,
        frame(e.pppoe(e.ppp(PACKET6)), vlans=[5], ethertype=0x8864),
        ETHERNET | Encapsulation.PPPOE | Encapsulation.VLAN,
    ),
    "pppoe of mpls": (
        links.ETHERNET,
        frame(e.pppoe(b"\x02\x81" + e.mpls(PACKET, 100)), ethertype=0x8864),
        ETHERNET | Encapsulation.PPPOE | Encapsulation.MPLS,
    ),
    "ppp over ethernet alone": (links.PPP_ETHER, e.pppoe(e.ppp(PACKET)), Encapsulation.PPPOE),
    "ppp": (links.PPP, b"\xff\x03" + e.ppp(PACKET), NONE),
    "ppp without address": (links.PPP, e.ppp(PACKET6), NONE),
    "ppp with short protocol": (links.PPP, b"\x21" + PACKET, NONE),
    "ppp of mpls": (links.PPP, b"\xff\x03\x02\x81" + e.mpls(PACKET, 100, 200), Encapsulation.MPLS),
    "ppp of mpls, multicast": (links.PPP, b"\x02\x83" + e.mpls(PACKET6, 100), Encapsulation.MPLS),
    "ppp in frames": (links.PPP_HDLC, b"\xff\x03\x57" + PACKET6, NONE),
    "cisco hdlc": (links.C_HDLC, b"\x0f\0\x08\0" + PACKET, Encapsulation.CISCO_HDLC),
    "cisco hdlc that is called ppp": (links.PPP, b"\x0f\0\x08\0" + PACKET, Encapsulation.CISCO_HDLC),
    "cisco hdlc in frames, to all": (links.PPP_HDLC, b"\x8f\0\x86\xdd" + PACKET6, Encapsulation.CISCO_HDLC),
    "cooked": (links.LINUX_SLL, e.linux_cooked(PACKET), Encapsulation.SLL),
    "cooked with tag": (
        links.LINUX_SLL,
        e.linux_cooked(vlan(PACKET, 5), 0x8100),
        Encapsulation.SLL | Encapsulation.VLAN,
    ),
    "cooked with snap": (
        links.LINUX_SLL,
        e.linux_cooked(e.snap(PACKET, 0x0800), 4),
        Encapsulation.SLL | Encapsulation.LLC,
    ),
    "cooked 2": (links.LINUX_SLL2, e.linux_cooked2(PACKET6), Encapsulation.SLL),
    "cooked 2 with tag": (
        links.LINUX_SLL2,
        e.linux_cooked2(vlan(PACKET, 5), 0x8100),
        Encapsulation.SLL | Encapsulation.VLAN,
    ),
    "firewall log": (links.PFLOG, e.firewall_log(PACKET), NONE),
    "firewall log of IPv6, longer": (links.PFLOG, e.firewall_log(PACKET6, length=100), NONE),
    "juniper": (links.JUNIPER_ETHERNET, e.juniper(frame(PACKET)), Encapsulation.JUNIPER | ETHERNET),
    "juniper with extensions": (
        links.JUNIPER_ETHERNET,
        e.juniper(frame(PACKET6), extensions=bytes(6)),
        Encapsulation.JUNIPER | ETHERNET,
    ),
    "netfilter log": (links.NFLOG, e.netfilter_log(PACKET6), NONE),
    "per-packet information": (links.PPI, e.per_packet_information(frame(PACKET), links.ETHERNET), ETHERNET),
    "per-packet information, wireless": (
        links.PPI,
        e.per_packet_information(e.wireless(e.snap(PACKET, 0x0800)), links.IEEE802_11),
        Encapsulation.WLAN | Encapsulation.LLC,
    ),
    "serial line": (links.SLIP, bytes(16) + PACKET6, NONE),
    "frame relay": (links.FRAME_RELAY, b"\x18\x41\x03\xcc" + PACKET, NONE),
    "frame relay of IPv6, long address": (links.FRAME_RELAY, b"\x18\x40\x00\x01\x03\x8e" + PACKET6, NONE),
    "frame relay of Cisco": (links.FRAME_RELAY, b"\x18\x41\x08\x00" + PACKET, NONE),
    "frame relay with snap": (links.FRAME_RELAY, b"\x18\x41\x03\0\x80\0\0\0\x08\0" + PACKET, NONE),
    "bridged frame relay": (links.FRAME_RELAY, b"\x18\x41\x03\0\x80\0\x80\xc2\0\x07" + frame(PACKET), ETHERNET),
    "juniper without link": (links.JUNIPER_ETHERNET, e.juniper(PACKET, without_link=True), Encapsulation.JUNIPER),
    "wireless": (
        links.IEEE802_11,
        e.wireless(e.snap(PACKET, 0x0800), to_system=True),
        Encapsulation.WLAN | Encapsulation.LLC,
    ),
    "wireless with quality of service": (
        links.IEEE802_11,
        e.wireless(e.snap(PACKET6, 0x86DD), subtype=8, from_system=True),
        Encapsulation.WLAN | Encapsulation.LLC,
    ),
    "wireless between access points": (
        links.IEEE802_11,
        e.wireless(
            e.snap(PACKET, 0x0800),
            to_system=True,
            from_system=True,
            addresses=(ACCESS_POINT, OTHER, SERVER_MAC, CLIENT_MAC),
        ),
        Encapsulation.WLAN | Encapsulation.LLC,
    ),
    "radiotap": (
        links.IEEE802_11_RADIOTAP,
        e.radiotap(e.wireless(e.snap(PACKET, 0x0800))),
        Encapsulation.WLAN | Encapsulation.LLC,
    ),
    "radiotap with flags and time": (
        links.IEEE802_11_RADIOTAP,
        e.radiotap(e.wireless(e.snap(PACKET, 0x0800)), flags=0x10, timed=True, words=3),
        Encapsulation.WLAN | Encapsulation.LLC,
    ),
    "radiotap with padding": (
        links.IEEE802_11_RADIOTAP,
        e.radiotap(e.wireless(e.snap(PACKET, 0x0800), subtype=8, padding=2), flags=0x20, timed=True, words=2),
        Encapsulation.WLAN | Encapsulation.LLC,
    ),
    "prism": (
        links.IEEE802_11_PRISM,
        e.prism(e.wireless(e.snap(PACKET, 0x0800))),
        Encapsulation.WLAN | Encapsulation.LLC | Encapsulation.PRISM,
    ),
    "avs in place of prism": (
        links.IEEE802_11_PRISM,
        e.avs(e.wireless(e.snap(PACKET, 0x0800))),
        Encapsulation.WLAN | Encapsulation.LLC | Encapsulation.AVS,
    ),
    "avs": (
        links.IEEE802_11_AVS,
        e.avs(e.wireless(e.snap(PACKET, 0x0800)), 80),
        Encapsulation.WLAN | Encapsulation.LLC | Encapsulation.AVS,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_packets_are_found_behind_every_link_layer(name: str) -> None:
    link_type, packet, bits = CASES[name]
    record = only(observed([(0, packet)], link_type))
    assert (record["src_port"], record["dst_port"], record["src_app_bytes"]) == (4000, 5000, 5)
    assert record["src_encapsulations"] == bits


def test_every_known_link_type_has_a_case() -> None:
    assert {link_type for link_type, _, _ in CASES.values()} == links.KNOWN


@pytest.mark.parametrize("name", CASES)
def test_a_frame_cut_anywhere_is_one_packet_and_no_error(name: str) -> None:
    link_type, packet, _ = CASES[name]
    frames = [(size / 1000, packet[:size]) for size in range(len(packet))]
    cut = block(frames, link_type)
    cut.packets["length"] = len(packet)
    records = batch_of([cut]).records
    assert records["src_packets"].sum() + records["dst_packets"].sum() == len(frames)
    assert records["src_bytes"].max() <= len(packet) * len(frames)


BEFORE_THE_FRAME = {
    "cooked": 16,
    "cooked 2": 20,
    "ppp": 4,
    "ppp without address": 2,
    "ppp with short protocol": 1,
    "cisco hdlc": 4,
    "cisco hdlc that is called ppp": 4,
    "cisco hdlc in frames, to all": 4,
    "radiotap": 8,
    "radiotap with flags and time": 25,
    "prism": 144,
    "avs": 80,
    "firewall log": 64,
    "firewall log of IPv6, longer": 100,
    "ethernet": 0,
    "null, little endian": 4,
    "loop": 4,
    "pppoe": 0,
}


@pytest.mark.parametrize("name", BEFORE_THE_FRAME)
def test_what_a_capture_puts_before_a_frame_is_not_counted(name: str) -> None:
    link_type, packet, _ = CASES[name]
    assert only(observed([(0, packet)], link_type))["src_bytes"] == len(packet) - BEFORE_THE_FRAME[name]


def macs(record: Any) -> tuple[str, str]:
    return record["src_mac"].tobytes().hex(":"), record["dst_mac"].tobytes().hex(":")


@pytest.mark.parametrize(
    ("to_system", "from_system", "addresses", "expected"),
    [
        (False, False, (SERVER_MAC, CLIENT_MAC, ACCESS_POINT), (CLIENT_MAC, SERVER_MAC)),
        (True, False, (ACCESS_POINT, CLIENT_MAC, SERVER_MAC), (CLIENT_MAC, SERVER_MAC)),
        (False, True, (SERVER_MAC, ACCESS_POINT, CLIENT_MAC), (CLIENT_MAC, SERVER_MAC)),
        (True, True, (ACCESS_POINT, OTHER, SERVER_MAC, CLIENT_MAC), (CLIENT_MAC, SERVER_MAC)),
    ],
)
@pytest.mark.parametrize("subtype", [0, 8])
def test_wireless_data_is_from_station_to_station(
    to_system: bool, from_system: bool, addresses: tuple[str, ...], expected: tuple[str, str], subtype: int
) -> None:
    packet = e.wireless(
        e.snap(PACKET, 0x0800), subtype=subtype, to_system=to_system, from_system=from_system, addresses=addresses
    )
    assert macs(only(observed([(0, packet)], links.IEEE802_11))) == expected


def management(subtype: int, name: bytes | None, *, bssid: str = ACCESS_POINT) -> bytes:
    fixed = {0: 4, 2: 10, 4: 0, 5: 12, 8: 12}.get(subtype, 2)
    elements = b"\x01\x01\x82" + (bytes((0, len(name))) + name if name is not None else b"")
    return e.wireless(bytes(fixed) + elements, kind=0, subtype=subtype, addresses=(OTHER, STATION, bssid))


def flow_count(frames: Sequence[bytes], link_type: int = links.ETHERNET) -> int:
    return len(observed([(n / 10, each) for n, each in enumerate(frames)], link_type))


@pytest.mark.parametrize("subtype", [0, 2, 4, 5, 8])
def test_wireless_management_is_kept_apart_by_network(subtype: int) -> None:
    one, other = management(subtype, b"upstairs"), management(subtype, b"downstairs")
    assert flow_count([one, one], links.IEEE802_11) == 1
    assert flow_count([one, other], links.IEEE802_11) == 2
    assert flow_count([one, management(subtype, b"upstairs", bssid=OTHER)], links.IEEE802_11) == 2


def test_a_network_name_that_is_cut_is_none() -> None:
    whole = management(8, b"upstairs")
    assert flow_count([whole[:-1], management(8, None)], links.IEEE802_11) == 1


@pytest.mark.parametrize(
    "packet",
    [
        e.wireless(e.snap(PACKET, 0x0800), protected=True),
        e.wireless(b"", subtype=4),
        e.wireless(b"", subtype=12),
        e.wireless(b"\x42\x42\x03" + bytes(20)),
    ],
    ids=["encrypted", "null", "quality of service null", "no snap"],
)
def test_wireless_data_without_readable_payload_is_between_stations(packet: bytes) -> None:
    record = only(observed([(0, packet)], links.IEEE802_11))
    assert (record["ethertype"], record["protocol"]) == (0x19, 0)
    assert record["src_address"].tobytes()[-6:].hex(":") == CLIENT_MAC
    assert record["dst_address"].tobytes()[-6:].hex(":") == SERVER_MAC
    assert record["src_app_bytes"] == len(packet)


def test_wireless_frames_are_flows_of_one_direction() -> None:
    there = e.wireless(b"", subtype=4, addresses=(SERVER_MAC, CLIENT_MAC, ACCESS_POINT))
    back = e.wireless(b"", subtype=4, addresses=(CLIENT_MAC, SERVER_MAC, ACCESS_POINT))
    assert observed([(0, there), (1, back)], links.IEEE802_11)["dst_packets"].tolist() == [0, 0]


def test_an_acknowledgement_has_only_a_receiver() -> None:
    record = only(observed([(0, b"\xd4\0\0\0" + bytes.fromhex("0200000000aa"))], links.IEEE802_11))
    assert record["dst_address"].tobytes()[-6:].hex() == "0200000000aa"
    assert record["src_address"].tobytes() == bytes(16)


@pytest.mark.parametrize(
    ("link_type", "packet"),
    [
        (links.IEEE802_11_RADIOTAP, b"\0\0\xff\xff" + bytes(60)),
        (links.IEEE802_11_RADIOTAP, bytes(60)),
        (links.IEEE802_11_PRISM, bytes(100)),
        (links.IEEE802_11_AVS, e.avs(PACKET, 64)[:4] + b"\xff\xff\xff\xff" + bytes(80)),
        (links.IEEE802_11_AVS, e.avs(PACKET, 64)[:4] + bytes(80)),
        (links.PFLOG, b"\xff" + bytes(60)),
        (links.PFLOG, bytes(27)),
        (links.JUNIPER_ETHERNET, b"NOT" + bytes(60)),
        (links.JUNIPER_ETHERNET, b"MGC\x81\xff\xff" + bytes(60)),
        (links.NFLOG, e.netfilter_log(PACKET, length=9000)),
        (links.NFLOG, e.netfilter_log(PACKET, before=bytes(8))),
        (links.PPI, b"\0\0\xff\xff" + bytes(60)),
        (links.PPI, bytes(60)),
        (links.SLIP, bytes(15)),
        (links.FRAME_RELAY, bytes(60)),
        (links.LINUX_SLL, bytes(15)),
        (links.LINUX_SLL2, bytes(19)),
        (links.C_HDLC, bytes(3)),
        (links.ETHERNET, bytes(13)),
    ],
)
def test_a_link_header_that_lies_about_its_length_is_not_believed(link_type: int, packet: bytes) -> None:
    record = only(observed([(0, packet)], link_type))
    assert record["flow_flags"] & FlowFlags.HEADER_NOT_CAPTURED
    assert (record["protocol"], record["src_bytes"]) == (0, len(packet))
    assert counts_of([(0, packet)], link_type)["not_captured"] == 1


def test_isl_names_its_vlan_and_the_stations_inside() -> None:
    inside = frame(PACKET, source_mac=STATION, destination_mac=OTHER)
    record = only(observed([(0, e.isl(inside, 7))]))
    assert record["src_vlan"] == 7
    assert macs(record) == (STATION, OTHER)


def test_tags_outer_and_inner_and_no_more() -> None:
    record = only(observed([(0, frame(PACKET, vlans=[1, 2, 3]))]))
    assert (record["src_vlan"], record["src_inner_vlan"]) == (1, 3)
    deep = frame(PACKET, vlans=range(1, 40))
    assert only(observed([(0, deep)]))["ethertype"] == 0x8100
    tagged = ethernet(vlan(PACKET, 100, priority=5), 0x8100)
    assert only(observed([(0, tagged)]))["src_vlan"] == 5 << 13 | 100


def test_the_outermost_label_is_kept() -> None:
    packet = frame(e.mpls(PACKET, 100, 200, ttl=9), ethertype=0x8847)
    assert only(observed([(0, packet)]))["src_mpls"] == 100 << 12 | 9


@pytest.mark.parametrize("payload", [b"\x10\0\0\0ACH" + bytes(3), bytes(9)])
def test_labels_before_something_short_are_a_flow_of_their_own(payload: bytes) -> None:
    record = only(observed([(0, frame(e.mpls(payload, 100), ethertype=0x8847))]))
    assert (record["ethertype"], record["protocol"]) == (0x8847, 0)


@pytest.mark.parametrize(
    ("packet", "ethertype"),
    [
        (frame(e.pppoe(e.ppp(b"\1\1\0\4", e.PPP_CONTROL)), ethertype=0x8864), 0x8864),
        (frame(e.pppoe(b"\1\1\0\0", 0, code=9), ethertype=0x8863), 0x8863),
        (frame(e.pppoe(e.ppp(PACKET), code=1), ethertype=0x8864), 0x8864),
        (e.ieee8023(e.logical_link(bytes(35), 0x42, 0x42)), 0x4242),
        (e.ieee8023(e.logical_link(bytes(35), 0xFE, 0xFE)), 0xFEFE),
        (e.ieee8023(b"\xff\xff\0\x22" + bytes(30)), 0xFFFF),
    ],
    ids=["link control", "discovery", "session of another code", "spanning tree", "is-is", "ipx"],
)
def test_control_frames_are_flows_of_their_kind(packet: bytes, ethertype: int) -> None:
    record = only(observed([(0, packet)]))
    assert (record["ethertype"], record["protocol"]) == (ethertype, 0)
    assert record["src_address"].tobytes()[-6:].hex(":") == CLIENT_MAC


def test_link_control_of_ppp_is_no_ip() -> None:
    record = only(observed([(0, b"\xff\x03" + e.ppp(b"\1\1\0\4", e.PPP_CONTROL))], links.PPP))
    assert (record["ethertype"], record["protocol"]) == (0x880B, 0)


def test_protocols_of_one_vendor_are_kept_apart() -> None:
    to_neighbours = "01:00:0c:cc:cc:cc"
    discovery, trunking = (
        e.ieee8023(e.snap(bytes(30), kind, 0x00000C), destination=to_neighbours) for kind in (0x2000, 0x2003)
    )
    records = observed([(0, discovery), (0.1, discovery), (0.2, trunking)])
    assert records["ethertype"].tolist() == [0xAAAA, 0xAAAA]
    assert sorted(records["src_packets"].tolist()) == [1, 2]
