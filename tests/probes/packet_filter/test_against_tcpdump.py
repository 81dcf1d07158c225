"""Filters beside tcpdump: the same packets of the same capture, byte for byte, for many expressions."""

from __future__ import annotations

import functools
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from probes.captures import CaptureSource
from probes.packet_filter.packet_filter import PacketFilter
from tests.traffic import packets as make
from tests.traffic.pcap import Interface, pcap_bytes, pcapng_bytes

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
FOUR, SIX = ("10.0.0.1", "192.168.7.9"), ("2001:db8::1", "2001:db8:7::9")


def frames() -> list[bytes]:
    found = []
    for one, other in (FOUR, SIX):
        for vlans in ((), (5,), (100, 200)):
            found += [
                make.tcp_frame(
                    one, other, 40000, 80, flags="S", vlans=vlans, options=make.tcp_options(maximum_segment=1460)
                ),
                make.tcp_frame(other, one, 80, 40000, flags="SA", vlans=vlans),
                make.tcp_frame(one, other, 40000, 80, flags="PA", payload=b"GET / HTTP/1.1\r\n", vlans=vlans),
                make.tcp_frame(other, one, 443, 50001, flags="FA", payload=bytes(900), vlans=vlans),
                make.udp_frame(one, other, 5353, 53, bytes(33), vlans=vlans, ttl=3),
                make.udp_frame(one, other, 33000, 33440, bytes(7), vlans=vlans, tos=0xB8),
                make.echo_frame(one, other, 7, 1, bytes(56), vlans=vlans),
                make.echo_frame(other, one, 7, 1, bytes(56), reply=True, vlans=vlans),
                make.icmp_error_frame(other, one, 1 if ":" in one else 3, 3, make.ip(bytes(20), one, other, 17)),
            ]
        found.append(make.frame(make.ip(bytes(40), one, other, 47)))
        found += [labelled(make.ip(make.udp(one, other, 9, 10, bytes(8)), one, other, 17), depth) for depth in (1, 2)]
        found.append(
            pppoe(make.ip(make.udp(one, other, 9, 10, bytes(8)), one, other, 17), 0x57 if ":" in one else 0x21)
        )
    datagram = make.udp(*FOUR, 9, 10, bytes(64))
    found += [
        make.frame(make.ipv4(datagram[:32], *FOUR, 17, identification=7, more_fragments=True)),
        make.frame(make.ipv4(datagram[32:], *FOUR, 17, identification=7, fragment_offset=32)),
        make.frame(make.ipv4(datagram, *FOUR, 17, options=b"\x94\x04\0\0")),
        make.frame(make.ipv6(make.ipv6_extension(make.udp(*SIX, 9, 10), 17), *SIX, 0)),
        make.frame(make.ipv6(make.ipv6_fragment(datagram[:32], 17, 9, more_fragments=True), *SIX, 44)),
        make.arp_frame(1, make.CLIENT_MAC, FOUR[0], FOUR[1]),
        make.arp_frame(2, make.SERVER_MAC, FOUR[1], FOUR[0], target_mac=make.CLIENT_MAC),
        make.ethernet(b"\x42\x42\x03" + bytes(35), 38, destination="01:80:c2:00:00:00"),
        make.ethernet(b"\xaa\xaa\x03\0\0\0\x08\x00" + make.ip(bytes(20), *FOUR, 17), 48),
        make.ethernet(bytes(50), 0x88CC, destination="01:80:c2:00:00:0e"),
        make.ethernet(bytes(100), 0x9000, destination=make.BROADCAST_MAC),
    ]
    return found + [frame[:length] for frame in found[::5] for length in (0, 13, 20, 40)]


def labelled(packet: bytes, depth: int) -> bytes:
    labels = b"".join(
        struct.pack(">I", (1000 + place) << 12 | (place == depth - 1) << 8 | 64) for place in range(depth)
    )
    return make.ethernet(labels + packet, 0x8847)


def pppoe(packet: bytes, protocol: int) -> bytes:
    return make.ethernet(struct.pack(">BBHHH", 0x11, 0, 77, len(packet) + 2, protocol) + packet, 0x8864)


EXPRESSIONS = """
ip; ip6; arp; rarp; tcp; udp; icmp; icmp6; not ip; vlan; vlan 5; vlan 100; vlan and vlan 200; vlan and tcp
vlan 100 and vlan 200 and ip6; vlan and not udp; mpls; mpls 1000; mpls 1000 and ip; mpls and mpls 1001
mpls and host 10.0.0.1
pppoes; pppoes 77; pppoes and ip; pppoes and ip6; pppoes and udp port 9
ip6 proto 6; ip6 and udp; ip6 host 2001:db8::1; ip6 net 2001:db8:7::/48; ip6[6] = 17; ip6[40] = 128; icmp6[0] = 129
host 10.0.0.1; src host 192.168.7.9; dst net 192.168.0.0/16; net 10; ether host 02:00:00:00:00:01
ether src 02:00:00:00:00:02; ether dst ff:ff:ff:ff:ff:ff; ether broadcast; ether multicast; ip broadcast; ip multicast
ether proto 0x88cc; ether proto 0x86dd; ether[0] & 1 != 0; ether[12:2] > 1500; ether[12:2] <= 1500; llc; stp
ether[14:2] = 0xaaaa
port 80; src port 80; dst port 53; tcp port 443; portrange 1-1024; src portrange 5000-41000; dst portrange 33434-33534
udp portrange 9-10; greater 100; less 60; greater 64 and less 90; len = 60; len > 900; len & 1 = 1; len % 7 = 3
tcp[tcpflags] & (tcp-syn|tcp-fin) != 0; tcp[tcpflags] = tcp-syn; tcp[13] & 0x12 = 0x12
tcp[(tcp[12]>>4)*4:4] = 0x47455420
udp[4:2] > 20; icmp[icmptype] = icmp-echo; icmp[icmptype] != icmp-echoreply; ip[8] < 64; ip[1] = 0xb8; ip[0] & 0xf != 5
ip[6:2] & 0x1fff != 0; ip[6:2] & 0x2000 != 0; ip[2:2] * 2 - 20 > 200; ip[2:2] / 3 < 30; ip[2:2] << 1 > 100
ip[9] ^ 17 = 0
ip[2:2] >> ip[8:1] = 0; ip[2:2] / ip[6:1] > 1; ip[20:4] | 1 = 0x9c400051; (-ip[9]) = -17; ip[len - 20] = 0
ip proto gre; proto 47
(tcp or udp) and (port 53 or port 80) and not vlan; ip and not (tcp or udp or icmp); not (ip or ip6 or arp)
"""
LIST = [expression.strip() for line in EXPRESSIONS.split("\n") for expression in line.split(";") if expression.strip()]


@functools.cache
def have_tcpdump() -> None:
    if shutil.which("tcpdump") is None:
        pytest.skip("apt-get install tcpdump")


def by_tcpdump(path: Path, expression: str) -> list[bytes]:
    """The packets that tcpdump writes, each with its head of 16 bytes."""
    have_tcpdump()
    command = ["tcpdump", "-r", str(path), "-w", "-", "--nano", expression]
    written = subprocess.run(command, capture_output=True, check=True).stdout
    found, at = [], 24
    while at < len(written):
        end = at + 16 + int.from_bytes(written[at + 8 : at + 12], "little")
        found.append(written[at:end])
        at = end
    return found


def by_us(path: Path, expression: str, *, optimize: bool = True) -> list[bytes]:
    source = CaptureSource([str(path)], packet_filter=PacketFilter(expression, optimize=optimize))
    found, read = [], 0
    for block in source:
        for packet in block.packets:
            seconds, fraction = divmod(int(packet["time"]), SECOND)
            start, captured = int(packet["offset"]), int(packet["captured"])
            head = struct.pack("<IIII", seconds, fraction, captured, int(packet["length"]))
            found.append(head + block.data[start : start + captured].tobytes())
            read += 1
    assert source.counters() == {"filtered": len(frames()) - read}
    return found


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filters") / "a.pcap"
    path.write_bytes(
        pcap_bytes([(START + n, frame, len(frame) + n % 3) for n, frame in enumerate(frames())], nanoseconds=True)
    )
    return path


def test_the_list_is_long_and_the_capture_has_something_for_most_of_it(capture: Path) -> None:
    selected = [len(by_us(capture, expression)) for expression in LIST]
    assert len(LIST) > 90
    assert sum(0 < count < len(frames()) for count in selected) > 85


@pytest.mark.parametrize("expression", LIST)
def test_the_same_packets_as_tcpdump(capture: Path, expression: str) -> None:
    assert by_us(capture, expression) == by_tcpdump(capture, expression)


@pytest.mark.parametrize("expression", LIST[::9])
def test_the_optimiser_changes_nothing(capture: Path, expression: str) -> None:
    assert by_us(capture, expression, optimize=False) == by_us(capture, expression)


@pytest.mark.parametrize(
    ("link_type", "head"),
    [
        (101, b""),
        (113, bytes(14) + b"\x08\x00"),
        (276, b"\x08\x00" + bytes(18)),
        (0, b"\x02\0\0\0"),
        (9, b"\xff\x03\x00\x21"),
    ],
)
@pytest.mark.parametrize("expression", ["udp port 53", "ip host 10.0.0.1 and greater 70", "ip6", "tcp[13] = 2"])
def test_other_link_types(tmp_path: Path, link_type: int, head: bytes, expression: str) -> None:
    path = tmp_path / "a.pcap"
    found = [frame for frame in frames() if frame[12:14] == b"\x08\x00" and len(frame) > 40]
    path.write_bytes(pcap_bytes([(START, head + frame[14:]) for frame in found], link_type=link_type))
    ours = CaptureSource([str(path)], packet_filter=PacketFilter(expression))
    assert sum(len(block.packets) for block in ours) == len(by_tcpdump(path, expression))


def test_each_link_type_of_a_capture_has_a_program_of_its_own(tmp_path: Path) -> None:
    whole = [frame for frame in frames() if frame[12:14] == b"\x08\x00" and len(frame) > 40]
    parts = [
        pcapng_bytes([(START, frame) for frame in whole]),
        pcapng_bytes([(START, frame[14:]) for frame in whole], interfaces=[Interface(101)]),
    ]
    (tmp_path / "a.pcapng").write_bytes(b"".join(parts))
    (tmp_path / "b.pcapng").write_bytes(parts[0])
    counts = []
    for name in ("a.pcapng", "b.pcapng"):
        source = CaptureSource([str(tmp_path / name)], packet_filter=PacketFilter("udp port 53"))
        counts.append(sum(len(block.packets) for block in source))
    assert counts[0] == 2 * counts[1] > 0
