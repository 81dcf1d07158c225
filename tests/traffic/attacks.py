"""Attacks, one function each: (time in ns, frame) pairs that are laid over the ten minutes of the sample."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.traffic.checksum import packed
from tests.traffic.dns import dns_answer, dns_query, text_record
from tests.traffic.packets import arp_frame, echo_frame, tcp_frame, udp_frame
from tests.traffic.sample.mirror_port import MICROSECOND, MILLISECOND, SECOND, MirrorPort, way
from tests.traffic.sample.office import BUILD, FILES
from tests.traffic.sample.story import START, sample_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

TimedFrame = tuple[int, bytes]

DAY = 86_400 * SECOND
INTRUDER, VICTIM, OUTSIDE = "10.20.1.44", "10.20.5.30", "198.51.100.200"
SCANNER = packed("10.20.30.66")
LISTED = "203.0.113.200"


def clean_frames(seed: int) -> list[TimedFrame]:
    """The sample without the one who scans."""
    return [(time, frame) for time, frame in sample_frames(seed) if SCANNER not in (frame[26:30], frame[30:34])]


def vertical_scan(start: int = START + 60 * SECOND) -> Iterator[TimedFrame]:
    """A hundred ports of one host, all refused."""
    for number in range(100):
        yield from refused(start + number * 50 * MILLISECOND, INTRUDER, VICTIM, 40_000 + number, 1 + number * 7)


def udp_scan(start: int = START + 80 * SECOND) -> Iterator[TimedFrame]:
    """A hundred UDP ports of one host that does not answer."""
    for number in range(100):
        yield start + number * 50 * MILLISECOND, udp_frame(INTRUDER, "10.20.5.31", 40_500, 1000 + number, b"?")


def horizontal_scan(start: int = START + 100 * SECOND) -> Iterator[TimedFrame]:
    """One port of sixty hosts that are not there, which so are dark addresses too."""
    for number in range(60):
        target = f"10.20.7.{number + 1}"
        yield start + number * 100 * MILLISECOND, tcp_frame(INTRUDER, target, 41_000 + number, 445, flags="S")


def beacon(start: int = START + 10 * SECOND) -> Iterator[TimedFrame]:
    """A short connection every 30 s, half a second more or less."""
    random = Random("beacon")
    for number in range(18):
        at = start + number * 30 * SECOND + random.randint(-500, 500) * MILLISECOND
        yield from conversation(at, INTRUDER, OUTSIDE, 42_000 + number, 8443, [b"ping" * 20], [b"pong"])


def data_leaving(start: int = START + 200 * SECOND) -> Iterator[TimedFrame]:
    """Twelve megabytes to the outside within a minute."""
    yield from conversation(start, INTRUDER, "198.51.100.210", 43_000, 443, [b"\x17" * 1400] * 8600, [b"ok"])


def dns_tunnel(start: int = START + 300 * SECOND) -> Iterator[TimedFrame]:
    """Data in a hundred long names of one domain."""
    random = Random("tunnel")
    for number in range(100):
        name = f"{random.randbytes(20).hex()}.{number}.tunnel.example"
        at, port = start + number * 200 * MILLISECOND, 44_000 + number
        yield at, udp_frame(INTRUDER, "10.20.5.53", port, 53, dns_query(number, name, 16))
        answer = dns_answer(number, name, 16, [text_record(name, "x" * 60)])
        yield at + 5 * MILLISECOND, udp_frame("10.20.5.53", INTRUDER, 53, port, answer)


def cleartext_login(start: int = START + 350 * SECOND) -> Iterator[TimedFrame]:
    """A login to FTP."""
    yield from conversation(
        start, INTRUDER, VICTIM, 45_000, 21, [b"USER ann\r\n", b"PASS x\r\n"], [b"331\r\n", b"230\r\n"]
    )


def against_policy(start: int = START + 360 * SECOND) -> Iterator[TimedFrame]:
    """A remote desktop outside."""
    yield from conversation(start, INTRUDER, "198.51.100.220", 46_000, 3389, [b"\x03\0"], [b"\x03\0"])


def exporters(start: int = START - 2 * DAY) -> Iterator[TimedFrame]:
    """NetFlow of one router for two days, and of another all of a sudden."""
    for number in range(49):
        yield start + number * DAY // 24, udp_frame("10.20.0.1", "10.20.5.40", 50_000, 2055, b"\0\x09" + bytes(60))
    for number in range(3):
        at = START + (380 + number * 20) * SECOND
        yield at, udp_frame("10.20.0.66", "10.20.5.40", 50_001, 2055, b"\0\x09" + bytes(60))


def arp_spoofing(start: int = START + 390 * SECOND) -> Iterator[TimedFrame]:
    """The address of a server is claimed by its own station, and then by another."""
    yield START + 5 * SECOND, arp_frame(1, "02:20:00:00:05:1e", VICTIM, "10.20.5.1")
    for number in range(5):
        yield start + number * SECOND, arp_frame(1, "02:66:66:66:66:66", VICTIM, "10.20.5.1")


def long_connection(start: int = START - DAY) -> Iterator[TimedFrame]:
    """A connection to the outside that says something every twenty seconds, for five hours."""
    yield from conversation(start, INTRUDER, "198.51.100.230", 47_000, 443, [b"on"] * 900, [b"on"], 20 * SECOND)


def listed_address(start: int = START + 400 * SECOND) -> Iterator[TimedFrame]:
    """A connection to an address that is on a block list."""
    yield from conversation(start, INTRUDER, LISTED, 48_000, 443, [b"hello"], [b"hello"])


ATTACKS = {
    "vertical-scan": vertical_scan,
    "vertical-scan-udp": udp_scan,
    "horizontal-scan": horizontal_scan,
    "dark-addresses": horizontal_scan,
    "beaconing": beacon,
    "data-leaving": data_leaving,
    "dns-tunnel": dns_tunnel,
    "cleartext-password": cleartext_login,
    "policy": against_policy,
    "unknown-exporter": exporters,
    "arp-change": arp_spoofing,
    "long-connection": long_connection,
    "listed-address": listed_address,
}


def attack_frames(seed: int) -> list[TimedFrame]:
    """The clean ten minutes with all attacks in it, in order."""
    attacks = [timed for attack in dict.fromkeys(ATTACKS.values()) for timed in attack()]
    return sorted([*clean_frames(seed), *attacks], key=lambda timed: timed[0])


def mirrored_pings(start: int = START) -> list[TimedFrame]:
    """A server asked every second for ten minutes whether it is there; its port is mirrored in both directions."""
    port = MirrorPort(Random("pings"), frozenset((FILES,)))
    there, back = (BUILD.ipv4, FILES.ipv4), (FILES.ipv4, BUILD.ipv4)
    for number in range(600):
        at, text = start + number * SECOND, bytes(56)
        asked = echo_frame(*there, 77, number, text, **way(BUILD, FILES, number))
        answer = echo_frame(*back, 77, number, text, reply=True, **way(FILES, BUILD, number))
        port.carry(at, BUILD, FILES, asked)
        port.carry(at + 400 * MICROSECOND, FILES, BUILD, answer)
    return port.in_order()


def demonstration_frames(seed: int) -> list[TimedFrame]:
    """The sample with all attacks that fit into its ten minutes and a few megabytes, in order.

    A mirror port that shows packets twice all the time is in it, too: a fault is one when it lasts.
    """
    brief = (
        vertical_scan,
        udp_scan,
        horizontal_scan,
        beacon,
        dns_tunnel,
        cleartext_login,
        against_policy,
        arp_spoofing,
    )
    attacks = [timed for attack in brief for timed in attack()]
    return sorted([*sample_frames(seed), *mirrored_pings(), *attacks], key=lambda timed: timed[0])


def refused(at: int, source: str, target: str, source_port: int, port: int) -> Iterator[TimedFrame]:
    """A SYN and its RST."""
    yield at, tcp_frame(source, target, source_port, port, flags="S", sequence=1)
    yield at + MILLISECOND, tcp_frame(target, source, port, source_port, flags="RA", acknowledgement=2)


def conversation(
    at: int,
    source: str,
    target: str,
    source_port: int,
    port: int,
    sent: list[bytes],
    received: list[bytes],
    gap: int = 5 * MILLISECOND,
) -> Iterator[TimedFrame]:
    """A connection: what the client sends, acknowledged one by one, what it gets back, and its end."""
    there, back = (source, target, source_port, port), (target, source, port, source_port)
    yield at, tcp_frame(*there, flags="S", sequence=99)
    yield at + MILLISECOND, tcp_frame(*back, flags="SA", sequence=499, acknowledgement=100)
    mine, yours, now = 100, 500, at + 2 * MILLISECOND
    yield now, tcp_frame(*there, sequence=mine, acknowledgement=yours)
    for payload in sent:
        now += gap
        yield now, tcp_frame(*there, flags="PA", sequence=mine, acknowledgement=yours, payload=payload)
        mine += len(payload)
        yield now + MILLISECOND, tcp_frame(*back, sequence=yours, acknowledgement=mine)
    for payload in received:
        now += gap
        yield now, tcp_frame(*back, flags="PA", sequence=yours, acknowledgement=mine, payload=payload)
        yours += len(payload)
    now += gap
    yield now, tcp_frame(*there, flags="FA", sequence=mine, acknowledgement=yours)
    yield now + MILLISECOND, tcp_frame(*back, flags="FA", sequence=yours, acknowledgement=mine + 1)
    yield now + 2 * MILLISECOND, tcp_frame(*there, sequence=mine + 1, acknowledgement=yours + 1)
