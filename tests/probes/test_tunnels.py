from __future__ import annotations

import csv
import io
import ipaddress
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from probes.decode.packet import MAX_LAYERS
from probes.decode.tunnel import IP_TUNNELS
from tests.probes.observed import CLIENT, SERVER, batch_of, block, counts_of, heap_field, observed, only
from tests.traffic import encapsulations as e
from tests.traffic.packets import (
    CLIENT_MAC,
    SERVER_MAC,
    arp,
    ethernet,
    frame,
    icmp_frame,
    ip,
    ipv4,
    tcp_frame,
    tcp_options,
    udp,
    vlan,
)
from tests.traffic.pcap import write_pcap
from topics.flags import Encapsulation, TunnelKind

if TYPE_CHECKING:
    from pathlib import Path

CLIENT6, SERVER6 = "2001:db8:1::5", "2001:db8:2::9"
ENTRY, EXIT = "192.0.2.1", "192.0.2.2"
ENTRY6, EXIT6 = "2001:db8:f::1", "2001:db8:f::2"
INNER_MAC, OTHER_MAC = "04:00:00:00:00:01", "04:00:00:00:00:02"
ENDS, ENDS6 = (ENTRY, EXIT), (ENTRY6, EXIT6)


def inner_packet(source: str = CLIENT, destination: str = SERVER, payload: bytes = b"inner") -> bytes:
    return ip(udp(source, destination, 4000, 5000, payload), source, destination, 17, ttl=33)


INNER, INNER6 = inner_packet(), inner_packet(CLIENT6, SERVER6)


def bridged(packet: bytes) -> bytes:
    return frame(packet, source_mac=INNER_MAC, destination_mac=OTHER_MAC)


def between(ends: tuple[str, str], protocol: int, payload: bytes) -> bytes:
    """A frame with a datagram of the tunnel."""
    return frame(ip(payload, *ends, protocol, ttl=60))


def over_udp(port: int, payload: bytes, ends: tuple[str, str] = ENDS, source: int = 49152) -> bytes:
    return between(ends, 17, udp(*ends, source, port, payload))


def gre_frame(*arguments: Any, ends: tuple[str, str] = ENDS, **options: Any) -> bytes:
    return between(ends, e.PROTOCOL_GRE, e.gre(*arguments, **options))


TUNNELS: dict[str, tuple[bytes, int, int, Encapsulation]] = {
    "ipv4 in ipv4": (between(ENDS, 4, INNER), TunnelKind.IP_IN_IP, 0, Encapsulation.IP_IN_IP),
    "ipv4 in ipv6": (between(ENDS6, 4, INNER), TunnelKind.IP_IN_IP, 0, Encapsulation.IP_IN_IP),
    "ipv6 in ipv4": (between(ENDS, 41, INNER6), TunnelKind.IPV6_IN_IP, 0, Encapsulation.IPV6_IN_IP),
    "ipv6 in ipv6": (between(ENDS6, 41, INNER6), TunnelKind.IPV6_IN_IP, 0, Encapsulation.IPV6_IN_IP),
    "gre": (gre_frame(INNER, 0x0800), TunnelKind.GRE, 0, Encapsulation.GRE),
    "gre over ipv6": (gre_frame(INNER, 0x0800, ends=ENDS6), TunnelKind.GRE, 0, Encapsulation.GRE),
    "gre of ipv6": (gre_frame(INNER6, 0x86DD), TunnelKind.GRE, 0, Encapsulation.GRE),
    "gre with key": (gre_frame(INNER, 0x0800, key=42), TunnelKind.GRE, 42, Encapsulation.GRE),
    "gre with all": (
        gre_frame(INNER, 0x0800, key=0xFFFFFFFF, sequence=9, checksum=True),
        TunnelKind.GRE,
        0xFFFFFFFF,
        Encapsulation.GRE,
    ),
    "gre of ethernet": (gre_frame(bridged(INNER), 0x6558, sequence=1), TunnelKind.GRE, 0, Encapsulation.GRE),
    "gre of mpls": (
        gre_frame(e.mpls(INNER, 16, 17), 0x8847),
        TunnelKind.GRE,
        0,
        Encapsulation.GRE | Encapsulation.MPLS,
    ),
    "wccp": (gre_frame(b"\0\1\0\0" + INNER, 0x883E), TunnelKind.GRE, 0, Encapsulation.GRE),
    "wccp without header": (gre_frame(INNER, 0x883E), TunnelKind.GRE, 0, Encapsulation.GRE),
    "pptp": (between(ENDS, 47, e.point_to_point_gre(INNER, 77)), TunnelKind.GRE, 77, Encapsulation.GRE),
    "erspan 1": (gre_frame(bridged(INNER), 0x88BE), TunnelKind.GRE, 0, Encapsulation.GRE),
    "erspan 2": (gre_frame(e.erspan2(bridged(INNER), 10), 0x88BE, sequence=5), TunnelKind.GRE, 10, Encapsulation.GRE),
    "erspan 3": (gre_frame(e.erspan3(bridged(INNER), 11), 0x22EB, sequence=5), TunnelKind.GRE, 11, Encapsulation.GRE),
    "erspan 3 with subheader": (
        gre_frame(e.erspan3(bridged(INNER), 12, platform=True), 0x22EB, sequence=5),
        TunnelKind.GRE,
        12,
        Encapsulation.GRE,
    ),
    "vxlan": (over_udp(4789, e.vxlan(bridged(INNER), 5001)), TunnelKind.VXLAN, 5001, Encapsulation.VXLAN),
    "vxlan over ipv6": (
        over_udp(8472, e.vxlan(bridged(INNER), 0xFFFFFF), ENDS6),
        TunnelKind.VXLAN,
        0xFFFFFF,
        Encapsulation.VXLAN,
    ),
    "geneve": (over_udp(6081, e.geneve(bridged(INNER), 7)), TunnelKind.GENEVE, 7, Encapsulation.GENEVE),
    "geneve of ip with options": (
        over_udp(6081, e.geneve(INNER, 8, 0x0800, options=bytes(12))),
        TunnelKind.GENEVE,
        8,
        Encapsulation.GENEVE,
    ),
    "gtp": (over_udp(2152, e.gtp(INNER, 0x1234)), TunnelKind.GTP, 0x1234, Encapsulation.GTP),
    "gtp numbered": (over_udp(2152, e.gtp(INNER, 3, sequence=9)), TunnelKind.GTP, 3, Encapsulation.GTP),
    "gtp extended": (
        over_udp(2152, e.gtp(INNER6, 4, extensions=b"\x85\x01\0\x09\x85\x01\0\x09\0")),
        TunnelKind.GTP,
        4,
        Encapsulation.GTP,
    ),
    "l2tp": (
        over_udp(1701, e.l2tp(b"\xff\x03" + e.ppp(INNER), 2, 3)),
        TunnelKind.L2TP,
        2 << 16 | 3,
        Encapsulation.L2TP,
    ),
    "l2tp with all": (
        over_udp(1701, e.l2tp(e.ppp(INNER6), 2, 3, flags=0x4A00, offset=4)),
        TunnelKind.L2TP,
        2 << 16 | 3,
        Encapsulation.L2TP,
    ),
    "l2tp with short protocol": (
        over_udp(1701, e.l2tp(b"\x21" + INNER, 2, 4, flags=0)),
        TunnelKind.L2TP,
        2 << 16 | 4,
        Encapsulation.L2TP,
    ),
    "teredo": (over_udp(3544, e.teredo(INNER6)), TunnelKind.TEREDO, 0, Encapsulation.TEREDO),
    "teredo with all": (
        over_udp(40000, e.teredo(INNER6, authentication=True, origin=True), source=3544),
        TunnelKind.TEREDO,
        0,
        Encapsulation.TEREDO,
    ),
}


def address(text: str) -> bytes:
    packed = ipaddress.ip_address(text).packed
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


def is_inner(record: Any) -> bool:
    """Whether the record is of the packet inside."""
    ends = (record["src_address"].tobytes(), record["dst_address"].tobytes())
    known = ends in {(address(CLIENT), address(SERVER)), (address(CLIENT6), address(SERVER6))}
    return known and (record["src_port"], record["dst_port"], record["protocol"]) == (4000, 5000, 17)


@pytest.mark.parametrize("name", TUNNELS)
def test_a_tunnel_is_looked_into(name: str) -> None:
    packet, kind, identifier, bits = TUNNELS[name]
    batch = batch_of([block([(0, packet)])])
    record = only(batch.records)
    assert is_inner(record)
    assert (record["tunnel_kind"], record["tunnel_id"]) == (kind, identifier)
    ends = ENDS6 if packet[12:14] == b"\x86\xdd" else ENDS
    assert heap_field(batch, record, "tunnel_addresses") == address(ends[0]) + address(ends[1])
    assert record["src_encapsulations"] == Encapsulation.ETHERNET | bits
    assert (record["src_bytes"], record["src_app_bytes"], record["src_ttl"]) == (len(packet), 5, 33)


def test_the_ends_of_a_tunnel_are_in_the_order_of_the_flow() -> None:
    answer = ip(udp(SERVER, CLIENT, 5000, 4000), SERVER, CLIENT, 17)
    frames = [(0.0, between(ENDS, 4, INNER)), (0.1, between((EXIT, ENTRY), 4, answer))]
    batch = batch_of([block(frames)])
    record = only(batch.records)
    assert (record["src_packets"], record["dst_packets"]) == (1, 1)
    assert heap_field(batch, record, "tunnel_addresses") == address(ENTRY) + address(EXIT)


def test_a_packet_without_tunnel_has_none() -> None:
    batch = batch_of([block([(0, frame(INNER))])])
    record = only(batch.records)
    assert (record["tunnel_kind"], record["tunnel_id"], heap_field(batch, record, "tunnel_addresses")) == (0, 0, b"")


def test_tcp_in_a_tunnel_is_followed() -> None:
    options = tcp_options(maximum_segment=1400)
    there = tcp_frame(CLIENT, SERVER, 4000, 80, flags="S", sequence=9, options=options)[14:]
    back = tcp_frame(SERVER, CLIENT, 80, 4000, flags="SA", sequence=70, acknowledgement=10)[14:]
    frames = [(0.0, gre_frame(there, 0x0800)), (0.25, gre_frame(back, 0x0800, ends=(EXIT, ENTRY)))]
    record = only(observed(frames))
    assert (record["syn_ack_time"], record["src_mss"]) == (250_000_000, 1400)


def test_stations_behind_a_bridging_tunnel_are_named() -> None:
    record = only(observed([(0, over_udp(4789, e.vxlan(bridged(INNER), 1)))]))
    assert record["src_mac"].tobytes().hex(":") == INNER_MAC
    assert record["dst_mac"].tobytes().hex(":") == OTHER_MAC


def test_arp_and_vlan_tags_inside_a_tunnel() -> None:
    asked = frame(arp(1, INNER_MAC, CLIENT, "00:00:00:00:00:00", SERVER), ethertype=0x0806, source_mac=INNER_MAC)
    record = only(observed([(0, over_udp(4789, e.vxlan(asked, 1)))]))
    assert (record["ethertype"], record["src_address"].tobytes()) == (0x0806, address(CLIENT))
    tagged = ethernet(vlan(INNER, 30), 0x8100, source=INNER_MAC)
    assert only(observed([(0, over_udp(4789, e.vxlan(tagged, 1)))]))["src_vlan"] == 30


def test_vendor_protocols_inside_a_tunnel_stay_apart() -> None:
    cisco, discovery, trunking = 0x00000C, 0x2000, 0x2004
    frames = [
        (0.1 * n, over_udp(4789, e.vxlan(e.ieee8023(e.snap(b"vendor", protocol, cisco)), 1)))
        for n, protocol in enumerate((discovery, trunking, discovery))
    ]
    assert sorted(observed(frames)["src_packets"]) == [1, 2]


CLOSED: dict[str, bytes] = {
    "gre of an unknown protocol": gre_frame(INNER, 0x1234),
    "gre with source routes": gre_frame(INNER, 0x0800, flags=0x4000),
    "gre of a version to come": gre_frame(INNER, 0x0800, flags=2),
    "gre that announces another version": gre_frame(INNER6, 0x0800),
    "gre cut": between(ENDS, 47, b"\0\0"),
    "gre cut before its key": gre_frame(INNER[:2], 0x0800, flags=0x2000),
    "pptp control": between(ENDS, 47, e.point_to_point_gre(INNER, 7)[:12]),
    "ipv4 that is none": between(ENDS, 4, b"\x65" + INNER[1:]),
    "ipv4 with a short header": between(ENDS, 4, b"\x44" + INNER[1:]),
    "ipv4 cut": between(ENDS, 4, INNER[:19]),
    "ipv6 that is none": between(ENDS, 41, INNER),
    "ipv6 cut": between(ENDS, 41, INNER6[:39]),
    "erspan of half a frame": gre_frame(e.erspan2(bridged(INNER)[:13], 1), 0x88BE, sequence=1),
    "vxlan without its flag": over_udp(4789, bytes(8) + bridged(INNER)),
    "vxlan with a reserved bit": over_udp(4789, b"\x08\0\0\1" + e.vxlan(bridged(INNER), 9)[4:]),
    "vxlan cut": over_udp(4789, e.vxlan(b"", 9)[:7]),
    "geneve of a version to come": over_udp(6081, b"\x40" + e.geneve(bridged(INNER), 7)[1:]),
    "geneve of an unknown protocol": over_udp(6081, e.geneve(INNER, 7, 0x1234)),
    "geneve with options past its end": over_udp(6081, b"\x3f" + e.geneve(bridged(INNER), 7)[1:]),
    "gtp echo": over_udp(2152, e.gtp(INNER, 0, kind=1)),
    "gtp of version 2": over_udp(2152, b"\x48" + e.gtp(INNER, 4)[1:]),
    "gtp with an empty extension": over_udp(2152, e.gtp(INNER, 4, extensions=b"\x85\0\0\0\0")),
    "gtp of something else": over_udp(2152, e.gtp(b"\x15" + INNER[1:], 4)),
    "l2tp control": over_udp(1701, e.l2tp(e.ppp(INNER), 2, 3, flags=0xC800)),
    "l2tp of link control": over_udp(1701, e.l2tp(e.ppp(b"\1\1\0\4", e.PPP_CONTROL), 2, 3)),
    "l2tp with an offset past its end": over_udp(1701, e.l2tp(e.ppp(INNER), 2, 3, flags=0x0200)[:6] + b"\xff\xff"),
    "teredo of ipv4": over_udp(3544, e.teredo(INNER)),
    "another port": over_udp(4790, e.vxlan(bridged(INNER), 9)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_what_only_looks_like_a_tunnel_is_a_flow_between_its_ends(name: str) -> None:
    record = only(observed([(0, CLOSED[name])]))
    assert record["src_address"].tobytes() == address(ENTRY)
    assert record["dst_address"].tobytes() == address(EXIT)
    assert (record["tunnel_kind"], record["tunnel_id"]) == (0, 0)
    assert record["src_encapsulations"] == Encapsulation.ETHERNET
    assert record["src_bytes"] == len(CLOSED[name])


@pytest.mark.parametrize("captured", range(14, 70))
def test_a_tunnel_cut_by_the_snaplen_counts_whole(captured: int) -> None:
    whole = over_udp(4789, e.vxlan(bridged(INNER), 5))
    cut = block([(0, whole[:captured])])
    cut.packets["length"] = len(whole)
    record = only(batch_of([cut]).records)
    assert (record["src_packets"], record["src_bytes"]) == (1, len(whole))


UDP_KINDS = [name for name, (_, kind, _, _) in TUNNELS.items() if kind >= TunnelKind.VXLAN]
IP_KINDS = [name for name in TUNNELS if name not in UDP_KINDS]


@pytest.mark.parametrize("name", TUNNELS)
def test_tunnels_are_opened_as_asked(name: str) -> None:
    packet, kind, _, _ = TUNNELS[name]
    assert not is_inner(only(observed([(0, packet)], tunnels=0)))
    record = only(observed([(0, packet)], tunnels=IP_TUNNELS))
    assert is_inner(record) == (name in IP_KINDS)
    assert record["tunnel_kind"] == (kind if name in IP_KINDS else 0)


def networks(first: int, second: int) -> list[tuple[float, bytes]]:
    return [
        (0.0, over_udp(4789, e.vxlan(bridged(INNER), first))),
        (1.0, over_udp(4789, e.vxlan(bridged(INNER), second))),
    ]


def test_networks_with_the_same_addresses_stay_apart() -> None:
    for port, make in ((4789, e.vxlan), (6081, e.geneve)):
        frames = [(float(number), over_udp(port, make(bridged(INNER), number))) for number in range(20)]
        assert sorted(observed(frames)["tunnel_id"].tolist()) == list(range(20))
    assert len(observed(networks(7, 7))) == 1


def test_networks_stay_apart_when_records_are_merged(tmp_path: Path) -> None:
    capture, records = tmp_path / "networks.pcap", tmp_path / "networks.arrow"
    write_pcap(capture, [(round(time * 1e9), each) for time, each in networks(7, 8) + networks(7, 8)])
    argosy = [sys.executable, "-m", "clients.main"]
    subprocess.run([*argosy, "probe", "-r", str(capture), "-w", str(records)], check=True, timeout=120)
    command = [*argosy, "racluster", "-r", str(records), "-c", ",", "-s", "saddr", "daddr", "spkts", "-", "udp"]
    merged = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    rows = [row for row in csv.reader(io.StringIO(merged)) if row[0] == CLIENT]
    assert rows == [[CLIENT, SERVER, "2"], [CLIENT, SERVER, "2"]]


def test_the_innermost_tunnel_is_told() -> None:
    within = ip(e.gre(INNER, 0x0800, key=5), "172.16.0.1", "172.16.0.2", 47)
    batch = batch_of([block([(0, between(ENDS, 4, within))])])
    record = only(batch.records)
    assert is_inner(record)
    assert (record["tunnel_kind"], record["tunnel_id"]) == (TunnelKind.GRE, 5)
    assert heap_field(batch, record, "tunnel_addresses") == address("172.16.0.1") + address("172.16.0.2")
    expected = Encapsulation.ETHERNET | Encapsulation.IP_IN_IP | Encapsulation.GRE
    assert record["src_encapsulations"] == expected


@pytest.mark.parametrize("depth", [1, 5, MAX_LAYERS - 2, MAX_LAYERS - 1, MAX_LAYERS, 40])
def test_tunnels_in_tunnels_are_opened_up_to_a_bound(depth: int) -> None:
    packet = INNER
    for level in range(depth):
        packet = ipv4(packet, f"172.16.{level}.1", f"172.16.{level}.2", 4)
    whole = frame(packet)
    record = only(observed([(0, whole)]))
    assert is_inner(record) == (depth <= MAX_LAYERS - 2)  # the frame and the innermost packet are layers too
    assert (record["src_packets"], record["src_bytes"]) == (1, len(whole))
    assert record["ethertype"] == 0x0800


def test_an_error_about_a_flow_in_a_tunnel_is_told_to_it() -> None:
    refused = icmp_frame(SERVER, CLIENT, 3, 3, bytes(4) + INNER[:28])[14:]
    records = observed([(0, between(ENDS, 4, INNER)), (0.1, between((EXIT, ENTRY), 4, refused))])
    asked = only(records[records["protocol"] == 17])
    assert (asked["icmp_error"], asked["icmp_error_type"], asked["icmp_error_code"]) == (1, 3, 3)


def test_a_damaged_packet_inside_is_counted_by_kind() -> None:
    damaged = INNER[:2] + b"\0\x13" + INNER[4:]  # a total length below the header
    assert counts_of([(0, between(ENDS, 4, damaged))])["malformed_ipv4"] == 1


def test_the_macs_of_a_routed_tunnel_are_those_of_the_frame() -> None:
    record = only(observed([(0, between(ENDS, 4, INNER))]))
    assert record["src_mac"].tobytes().hex(":") == CLIENT_MAC
    assert record["dst_mac"].tobytes().hex(":") == SERVER_MAC
