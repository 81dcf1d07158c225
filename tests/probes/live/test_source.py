from __future__ import annotations

import fcntl
import functools
import json
import os
import socket
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from probes.capture.link_types import ETHERNET, RAW
from probes.capture.packet_range import PacketRange
from probes.flows.probe import ProbeSettings
from probes.live import interfaces
from probes.live.settings import LiveSettings
from probes.live.source import LiveSource
from probes.open_source import load_kernels
from probes.sensor import Sensor
from tests.probes.live.capturing import FRAMES, arrived, captured, frames_of, opened, received
from tests.probes.live.wire import libc
from tests.traffic.packets import frame as framed
from tests.traffic.packets import icmp_error_frame, ipv4, ipv6, ipv6_fragment, tcp_frame, udp, udp_frame
from tests.waiting import wait_until
from topics.errors import FilterError, InterfaceError, UsageError
from topics.flags import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.capture.packets import PacketBlock
    from tests.probes.live.wire import Namespace, Wire

SECOND = 1_000_000_000
CAP_NET_RAW = 1 << 13
TAGGED = [udp_frame("10.0.0.1", "10.0.0.2", 1000 + number, 53, bytes(40), vlans=(number + 1,)) for number in range(10)]


def test_frames_come_as_they_were_sent_with_name_length_and_time(wire: Wire) -> None:
    source, before = opened(wire), time.time_ns()
    arrived(wire, source, FRAMES)
    after = time.time_ns()
    source.stop()
    given, frames = [], []
    for block in source:
        given.append((block.interface, block.packets.copy()))
        frames += frames_of([block])
    packets = np.concatenate([packets for _, packets in given])
    assert frames == FRAMES
    assert {name for name, _ in given} == {"far"}
    assert packets["length"].tolist() == [len(frame) for frame in FRAMES]
    assert set(packets["link_type"].tolist()) == {ETHERNET}
    assert (packets["time"] >= before).all()
    assert (packets["time"] <= after).all()


@pytest.mark.parametrize("outer", [0x8100, 0x88A8])
def test_vlan_tags_are_put_back_where_they_were(wire: Wire, outer: int) -> None:
    doubled = [udp_frame("10.0.0.1", "10.0.0.2", 5, 53, bytes(40), vlans=(7 << 13 | 100, 200)) for _ in range(3)]
    frames = [frame[:12] + struct.pack(">H", outer) + frame[14:] for frame in [*TAGGED, *doubled]] + FRAMES[:3]
    assert captured(wire, opened(wire), frames) == frames


def test_snaplen_cuts_what_is_kept_and_not_what_is_counted(wire: Wire) -> None:
    source = opened(wire, snaplen=64)
    frames = [FRAMES[40], udp_frame("10.0.0.1", "10.0.0.2", 5, 53, bytes(100), vlans=(9,))]
    arrived(wire, source, frames)
    source.stop()
    found = [
        (frame, length)
        for block in source
        for frame, length in zip(frames_of([block]), block.packets["length"], strict=True)
    ]
    assert found == [(frame[:64], len(frame)) for frame in frames]


def test_what_was_sent_is_what_was_counted_and_what_was_dropped(wire: Wire) -> None:
    source = opened(wire)
    large = [FRAMES[0].ljust(1500, b"\0")] * 8000  # more than the ring holds, and nobody reads
    frames = captured(wire, source, large)
    totals = source.counters_by_interface()["far"]
    assert totals.dropped > 0
    assert totals.frozen > 0
    assert len(frames) == totals.packets == len(large) - totals.dropped
    assert totals.bytes == totals.packets * 1500
    assert source.counters() == {"kernel_dropped": totals.dropped, "adapter_dropped": 0}


def test_capture_goes_on_after_the_ring_was_full(wire: Wire) -> None:
    source = opened(wire)
    large = [FRAMES[0].ljust(1500, b"\0")] * 8000
    arrived(wire, source, large)
    assert source.counters_by_interface()["far"].frozen > 0
    found: list[bytes] = []

    def read_on() -> None:
        for block in source:
            found.extend(frames_of([block]))

    reading = wire.here.submit(read_on)
    wait_until(lambda: len(found) >= len(large) - source.counters_by_interface()["far"].dropped)
    before = len(found)
    arrived(wire, source, [*FRAMES, *large[:3000]], len(large) + len(FRAMES) + 3000)
    source.stop()
    reading.result(60)
    totals = source.counters_by_interface()["far"]
    assert found[before : before + len(FRAMES)] == FRAMES
    assert len(found) == totals.packets == totals.received - totals.dropped


def given(source: LiveSource, count: int) -> bool:
    return source.counters_by_interface()["far"].packets >= count


def test_the_ring_goes_round(wire: Wire) -> None:
    source = opened(wire)
    reading = wire.here.submit(frames_of, source)
    sent = [struct.pack(">I", number).rjust(1400, b"\0") for number in range(6000)]  # in more blocks than the ring has
    for start in range(0, len(sent), 500):
        wire.send(sent[start : start + 500])
        wait_until(functools.partial(given, source, start + 500))
    source.stop()
    assert reading.result(60) == sent


def first_quiet(source: LiveSource, interface: str = "far") -> PacketBlock:
    return next(block for block in source if block.now and block.interface == interface)


def test_a_quiet_interface_tells_the_time(wire: Wire) -> None:
    source, before = opened(wire), time.time_ns()
    block = wire.here.run(first_quiet, source)
    assert len(block.packets) == 0
    assert before - SECOND < block.now < time.time_ns()


def test_a_quiet_interface_tells_the_time_beside_a_busy_one(wire: Wire) -> None:
    wire.here.ip("link", "set", "lo", "up")
    source = opened(wire, "far", "lo")
    stop = threading.Event()

    def send_on() -> None:
        while not stop.is_set():
            wire.send(FRAMES)

    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(send_on)
        try:
            assert wire.here.run(first_quiet, source, "lo").interface == "lo"
        finally:
            stop.set()
        sending.result()


def test_flows_of_a_quiet_interface_are_reported_in_time(wire: Wire) -> None:
    load_kernels()
    source, sensor = opened(wire), Sensor(ProbeSettings(status_interval=SECOND // 2))
    arrived(wire, source, FRAMES)

    def records() -> list[tuple[int, int]]:
        """Cause and packets of each record that comes before any more packets do."""
        found: list[tuple[int, int]] = []
        for block in source:
            for batch in [*sensor.take(block), *sensor.due()]:
                found += zip(batch.records["cause"].tolist(), batch.records["src_packets"].tolist(), strict=True)
            if len(found) == len(FRAMES):
                source.stop()
        return found

    found = wire.here.run(records)
    assert [packets for _, packets in found] == [1] * len(FRAMES)
    assert Cause.SHUTDOWN not in {cause for cause, _ in found}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("udp port 1003", [FRAMES[3], TAGGED[3]]),  # the kernel matches what is behind a tag
        ("udp port 1003 and not vlan", FRAMES[3:4]),
        ("vlan 4", TAGGED[3:4]),
        ("vlan and udp src port 1002", TAGGED[2:3]),
        ("not vlan and greater 110", FRAMES[48:]),
        ("ip6", []),
    ],
)
def test_a_filter_runs_in_the_kernel_and_knows_of_tags(wire: Wire, expression: str, expected: list[bytes]) -> None:
    source = opened(wire, expression=expression)
    assert captured(wire, source, [*FRAMES, *TAGGED], len(expected)) == expected
    assert received(source) == len(expected)


def test_a_filter_knows_the_broadcast_address_of_the_interface(wire: Wire) -> None:
    wire.here.ip("address", "add", "10.5.0.1/16", "dev", "far")
    source = opened(wire, expression="ip broadcast")
    frames = [udp_frame("10.5.0.2", f"10.5.{last}", 1, 2, bytes(30)) for last in ("1.255", "255.255", "0.7")]
    last = udp_frame("10.5.0.2", "255.255.255.255", 1, 2, bytes(30))
    assert captured(wire, source, [*frames, last], 2) == [frames[1], last]


def test_a_filter_that_cannot_be_understood(wire: Wire) -> None:
    with pytest.raises(FilterError, match=r"packet filter 'tcp prt 80': .*syntax error"):
        opened(wire, expression="tcp prt 80")


def test_a_range_of_packets_ends_the_run(wire: Wire) -> None:
    source = LiveSource(LiveSettings(("far",)), PacketRange("11-20"))
    wire.here.run(source.open)
    wire.send(FRAMES)
    assert wire.here.run(frames_of, source) == FRAMES[10:20]


def promiscuity(namespace: Namespace) -> int:
    told = namespace.run(
        lambda: subprocess.run(["ip", "-d", "-j", "link", "show", "far"], capture_output=True, check=True)
    )
    count: int = json.loads(told.stdout)[0]["promiscuity"]
    return count


def test_an_interface_is_promiscuous_while_it_is_captured_unless_told_not_to_be(wire: Wire) -> None:
    quiet = opened(wire, promiscuous=False)
    assert promiscuity(wire.here) == 0
    loud = opened(wire)
    assert promiscuity(wire.here) == 1
    loud.close()
    quiet.close()
    assert promiscuity(wire.here) == 0


def send_to_nobody() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", 9))


def test_loopback_gives_each_packet_once(wire: Wire) -> None:
    wire.here.ip("link", "set", "lo", "up")
    source = opened(wire, "lo", expression="icmp")
    wire.here.run(send_to_nobody)  # which is answered by an ICMP error, type 3
    wait_until(lambda: received(source) >= 1)
    source.stop()
    assert [frame[34] for frame in wire.here.run(frames_of, source)] == [3]


def tunnel() -> int:
    """Make tun0; what is written to the descriptor comes out of it."""
    made = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(made, 0x400454CA, struct.pack("16sH22x", b"tun0", 0x1001))  # TUNSETIFF: IP packets, no more
    return made


def test_a_tunnel_gives_packets_without_a_link_header(wire: Wire) -> None:
    made = wire.here.run(tunnel)
    wire.here.ip("link", "set", "tun0", "up")
    source = opened(wire, "tun0", expression="udp port 1003")
    packets = [frame[14:] for frame in FRAMES]
    for packet in packets:
        os.write(made, packet)
    wait_until(lambda: received(source) == 1)
    source.stop()
    blocks = [(frames_of([block]), block.packets["link_type"].tolist()) for block in source]
    os.close(made)
    assert blocks == [([packets[3]], [RAW])]


def balanced(wire: Wire) -> dict[tuple[str, str], list[bytes]]:
    """Frames of many pairs of hosts: both directions, fragments, and ICMP errors about them from a router."""
    pairs = {}
    for number in range(30):
        for one, other, router in (
            (f"10.0.0.{number}", f"10.1.7.{3 * number}", "10.9.9.9"),
            (f"2001:db8::{number:x}", f"2001:db8:5:1::{7 * number:x}", "2001:db8::9:9"),
        ):
            there = udp_frame(one, other, 1000, 53, bytes(40))
            back = udp_frame(other, one, 53, 1000, bytes(60))
            error = icmp_error_frame(router, one, 1 if ":" in one else 3, 1, there[14:])
            pairs[one, other] = [
                there,
                back,
                error,
                tcp_frame(one, other, 5, 6),
                tcp_frame(other, one, 6, 5),
                *halves(one, other),
            ]
    return pairs


def halves(source: str, destination: str) -> list[bytes]:
    datagram = udp(source, destination, 9, 10, bytes(64))
    if ":" in source:
        parts = [
            ipv6_fragment(datagram[:32], 17, 77, more_fragments=True),
            ipv6_fragment(datagram[32:], 17, 77, offset=32),
        ]
        return [framed(ipv6(part, source, destination, 44)) for part in parts]
    first = ipv4(datagram[:32], source, destination, 17, identification=7, more_fragments=True)
    return [framed(first), framed(ipv4(datagram[32:], source, destination, 17, identification=7, fragment_offset=32))]


def test_probes_of_a_fanout_group_share_packets_and_keep_flows_whole(wire: Wire) -> None:
    sources = [opened(wire, group=77), opened(wire, group=77)]
    pairs = balanced(wire)
    sent = [frame for frames in pairs.values() for frame in frames]
    wire.send(sent)
    wait_until(lambda: sum(map(received, sources)) >= len(sent))
    shares = []
    for source in sources:
        source.stop()
        shares.append(wire.here.run(frames_of, source))
    assert sorted(shares[0] + shares[1]) == sorted(sent)
    assert min(map(len, shares)) > len(sent) // 10
    for frames in pairs.values():
        assert len({frame in shares[0] for frame in frames}) == 1


def test_what_cannot_be_captured_on_is_told_in_one_line(wire: Wire) -> None:
    for name, reason in (("nope", "nope: no such interface"), ("lo", "lo: interface is down")):
        with pytest.raises(InterfaceError) as caught:
            opened(wire, name)
        assert str(caught.value) == reason
    with pytest.raises(UsageError, match=r"interface bond:far: give -i once for each interface"):
        opened(wire, "bond:far")
    with pytest.raises(InterfaceError, match=r"^a-name-that-is-too-long: no such interface$"):
        opened(wire, "a-name-that-is-too-long")


def test_an_adapter_that_stamps_nothing_leaves_it_to_the_host(wire: Wire) -> None:
    with capture_logs() as lines:
        source, before = opened(wire, hardware_times=True), time.time_ns()
        arrived(wire, source, FRAMES)
        source.stop()
        times = np.concatenate([block.packets["time"] for block in source])
    assert [line["event"] for line in lines] == ["packets have time stamps of the host"]
    assert lines[0]["reason"].startswith("far: no time stamps by the adapter (")
    assert len(times) == len(FRAMES)
    assert (times >= before).all()


def test_all_interfaces_are_those_that_are_up(wire: Wire) -> None:
    wire.here.ip("link", "add", "other", "type", "veth", "peer", "name", "behind")
    wire.here.ip("link", "set", "other", "up")
    assert wire.here.run(interfaces.chosen, ["all"]) == ["far", "other"]
    assert wire.here.run(interfaces.chosen, ["ind:far", "far"]) == ["far"]


def with_capabilities(kept: int, function: Callable[[], Any], namespace: Namespace | None = None) -> Any:
    """Run a function in a thread that has the capabilities of a mask alone."""

    def run() -> Any:
        if namespace:
            namespace.enter()
        header, sets = struct.pack("Ii", 0x20080522, 0), struct.pack("6I", kept, kept, 0, 0, 0, 0)
        assert libc.capset(header, sets) == 0
        return function()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result(60)


def test_no_permission_is_told_in_one_line() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to have something to give up")
    source = LiveSource(LiveSettings(("lo",)))
    with pytest.raises(InterfaceError, match=r"^lo: capturing needs root or the capability CAP_NET_RAW$"):
        with_capabilities(0, source.open)


def test_the_right_to_raw_packets_is_all_that_capturing_takes(wire: Wire) -> None:
    source = LiveSource(LiveSettings(("far",), expression="udp", group=5))
    with_capabilities(CAP_NET_RAW, source.open, wire.here)
    assert captured(wire, source, FRAMES) == FRAMES
