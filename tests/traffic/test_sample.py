import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import dpkt
import pytest

from tests.traffic.frame_check import problem
from tests.traffic.pcap import pcap_bytes
from tests.traffic.sample.office import FILES, SCANNER
from tests.traffic.sample.story import DURATION, START, sample_frames

Timed = list[tuple[int, bytes]]


@pytest.fixture(scope="module")
def frames() -> Timed:
    return sample_frames(1)


def segments(frames: Timed) -> Iterator[tuple[dpkt.ip.IP | dpkt.ip6.IP6, dpkt.tcp.TCP]]:
    for _, frame in frames:
        packet = dpkt.ethernet.Ethernet(frame).data
        if isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6)) and isinstance(packet.data, dpkt.tcp.TCP):
            yield packet, packet.data


def lookups(frames: Timed) -> Iterator[dpkt.dns.DNS]:
    for _, frame in frames:
        packet = dpkt.ethernet.Ethernet(frame).data
        udp = getattr(packet, "data", None)
        if isinstance(udp, dpkt.udp.UDP) and 53 in (udp.sport, udp.dport):
            yield dpkt.dns.DNS(udp.data)


def test_same_seed_gives_the_same_capture_and_another_seed_another(frames: Timed) -> None:
    assert sample_frames(1) == frames
    assert sample_frames(2) != frames


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_capture_stays_under_two_megabytes(seed: int) -> None:
    assert 1_000_000 < len(pcap_bytes(sample_frames(seed))) < 2_000_000


def test_capture_is_ten_minutes_in_order(frames: Timed) -> None:
    times = [time for time, _ in frames]
    assert times == sorted(times)
    assert times[0] >= START
    assert 0.99 * DURATION < times[-1] - times[0] < DURATION


def test_every_frame_parses_with_right_lengths_and_checksums(frames: Timed) -> None:
    assert Counter(problem(frame) for _, frame in frames) == {None: len(frames)}


def test_lookups_have_every_outcome(frames: Timed) -> None:
    messages = list(lookups(frames))
    answered = {message.id for message in messages if message.qr}
    assert {message.rcode for message in messages if message.qr} == {0, 3}
    assert sum(message.tc for message in messages) == 1
    assert len({message.id for message in messages} - answered) == 3
    kinds = {record.type for message in messages for record in message.an}
    assert {dpkt.dns.DNS_A, dpkt.dns.DNS_AAAA, dpkt.dns.DNS_CNAME} <= kinds


def test_tls_sessions_name_their_server(frames: Timed) -> None:
    hellos = [tcp.data for _, tcp in segments(frames) if tcp.dport == 443 and tcp.data[:1] == b"\x16"]
    assert len(hellos) > 20
    for hello in hellos:
        record = dpkt.ssl.TLSRecord(hello)
        extensions = dict(dpkt.ssl.TLSHandshake(record.data).data.extensions)
        assert extensions[0][5:].decode().endswith((".example.com", ".example.net", ".example.org"))


def test_scanner_knocks_at_a_hundred_ports(frames: Timed) -> None:
    scanner = ip_address(SCANNER.ipv4).packed
    assert len({tcp.dport for packet, tcp in segments(frames) if packet.src == scanner and tcp.flags == 2}) == 100


def test_windows_close_and_segments_repeat(frames: Timed) -> None:
    closed = [tcp for _, tcp in segments(frames) if tcp.win == 0 and not tcp.flags & dpkt.tcp.TH_RST]
    assert len(closed) >= 4
    acknowledged_selectively = [tcp for _, tcp in segments(frames) if 5 in dict(dpkt.tcp.parse_opts(tcp.opts))]
    assert len(acknowledged_selectively) >= 10


def test_one_connection_lasts_the_whole_time(frames: Timed) -> None:
    spans: dict[frozenset[tuple[bytes, int]], list[int]] = {}
    for time, frame in frames:
        packet = dpkt.ethernet.Ethernet(frame).data
        if isinstance(getattr(packet, "data", None), dpkt.tcp.TCP):
            ends = frozenset([(packet.src, packet.data.sport), (packet.dst, packet.data.dport)])
            spans.setdefault(ends, []).append(time)
    longest = max(times[-1] - times[0] for times in spans.values())
    assert longest > 0.98 * DURATION


def test_mirrored_server_is_seen_twice_with_and_without_a_hop_between(frames: Timed) -> None:
    server = ip_address(FILES.ipv4).packed
    seen: dict[bytes, tuple[int, bytes]] = {}
    same, routed, originals = 0, 0, 0
    for time, frame in frames:
        if frame[12:14] != b"\x08\x00" or server not in (frame[26:30], frame[30:34]):
            continue
        # All but MACs, TTL and checksum tells a packet from others: each has an identification of its own.
        key = frame[14:22] + frame[23:24] + frame[26:]
        if key not in seen:
            seen[key], originals = (time, frame), originals + 1
            continue
        first_time, first = seen[key]
        assert 20_000 <= time - first_time <= 200_000
        same += first == frame
        routed += first[22] == frame[22] + 1 and first[:12] != frame[:12]
    assert same > 50
    assert routed > 50
    assert 0.8 * originals < same + routed < originals


def test_command_writes_the_capture(frames: Timed, tmp_path: Path) -> None:
    path = tmp_path / "sample.pcap"
    subprocess.run([sys.executable, "-m", "tests.traffic", "sample", str(path), "--seed", "1"], check=True)
    assert path.read_bytes() == pcap_bytes(frames)
