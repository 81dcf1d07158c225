"""Conversations as an unfaulty port shows them: with loss, retransmissions of each kind, keep-alives and probes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.traffic.mirrored.table import (
    MICROSECOND,
    MILLISECOND,
    SECOND,
    START,
    Identification,
    Rows,
    Truth,
    identify,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FIN, SYN, PUSH, ACK = 1, 2, 8, 16
SEGMENT = 1448
LOSS = 0.05
PACKETS_PER_SECOND = 100_000
MODES = (Identification.ZERO, Identification.SOCKET, Identification.HOST, Identification.RANDOM)

Packet = dict[str, Any]


class Connection:
    """One TCP connection past the point where it is captured."""

    def __init__(self, random: Random, flow: int, start: int, loss: float) -> None:
        self.random, self.start, self.loss = random, start, loss
        version = random.choice((4, 4, 6))
        self.both = {"flow": flow, "version": version, "protocol": TCP, "mode": int(random.choice(MODES))}
        self.round_trip = int(10 ** random.uniform(2.3, 5) * MICROSECOND)
        self.stamps = random.random() < 0.5
        self.selective = random.random() < 0.9
        self.base = (random.getrandbits(32), random.getrandbits(32))
        self.sent = [1, 1]
        self.packets: list[Packet] = []

    def send(self, time: int, *, reverse: bool, sequence: int, flags: int = ACK, **more: Any) -> None:
        """One segment; `sequence` counts from the first of its side."""
        me, peer = int(reverse), int(not reverse)
        stamp = (time // MILLISECOND + 7919 * self.both["flow"]) & 0xFFFFFFFF if self.stamps else 0
        packet = {
            "time": time,
            "reverse": reverse,
            "sequence": (self.base[me] + sequence) & 0xFFFFFFFF,
            "acknowledgement": (self.base[peer] + more.pop("acknowledged", self.sent[peer])) & 0xFFFFFFFF,
            "flags": flags,
            "window": 501,
            "stamp": stamp,
            "echo": stamp // 2,
            "serial": sequence,
        }
        self.packets.append({**self.both, **packet, **more})

    def open(self) -> int:
        """The handshake and the request; returns when the answer begins."""
        time = self.start
        self.send(time, reverse=False, sequence=0, flags=SYN, acknowledged=0)
        self.send(time + self.round_trip // 3, reverse=True, sequence=0, flags=SYN | ACK)
        time += self.round_trip
        self.send(time, reverse=False, sequence=1)
        self.send(time + 20 * MICROSECOND, reverse=False, sequence=1, flags=PUSH | ACK, size=400)
        self.sent[0] = 401
        return time + self.round_trip // 3 + 50 * MICROSECOND

    def answer(self, begin: int, segments: int) -> int:
        """Data in windows, a round trip apart, some of it lost; returns when it is over."""
        spacing = self.random.randint(2, 120) * MICROSECOND
        window = self.random.randint(4, 32)
        time = begin
        for number in range(segments):
            time = begin + number // window * max(self.round_trip, window * spacing) + number % window * spacing
            sequence = self.sent[1]
            self.sent[1] += SEGMENT
            if self.random.random() < self.loss:
                self._lose(time, sequence, spacing)
            else:
                self.send(time, reverse=True, sequence=sequence, size=SEGMENT)
            if number % 2:
                self.send(time + self.round_trip // 2, reverse=False, sequence=self.sent[0])
        return time + 2 * self.round_trip

    def _lose(self, time: int, sequence: int, spacing: int) -> None:
        """A segment lost before or behind the port, or not at all, and sent again."""
        seen = self.random.random() < 0.8
        if seen:
            self.send(time, reverse=True, sequence=sequence, size=SEGMENT)
        later = self.round_trip + 3 * spacing
        if self.random.random() < 0.3:
            later = max(200 * MILLISECOND, 2 * self.round_trip)
        else:
            for number in range(self.random.randint(3, 9)):  # the same acknowledgement, but for what SACK tells
                asked = time + self.round_trip // 2 + number * spacing
                edge = self.base[1] + sequence + (2 + number) * SEGMENT & 0xFFFFFFFF if self.selective else 0
                self.send(asked, reverse=False, sequence=self.sent[0], acknowledged=sequence, selective=edge)
        truth = Truth.AGAIN if seen else Truth.NEW
        self.send(time + later, reverse=True, sequence=sequence, size=SEGMENT, truth=truth)

    def idle(self, time: int) -> int:
        """Keep-alives, with and without a byte, or probes of a window that is shut."""
        size = self.random.randint(0, 1)
        if self.random.random() < 0.3:
            for number in range(3):
                time += 200 * MILLISECOND << number
                truth = Truth.PROBE if number else Truth.NEW
                self.send(time, reverse=False, sequence=self.sent[0], size=1, truth=truth)
                self.send(time + self.round_trip // 3, reverse=True, sequence=self.sent[1], window=0)
            self.sent[0] += 1
            return time
        for _ in range(3):
            time += SECOND
            self.send(time, reverse=False, sequence=self.sent[0] - 1, size=size, truth=Truth.KEEP_ALIVE)
            self.send(time + self.round_trip // 3, reverse=True, sequence=self.sent[1])
        return time

    def close(self, time: int) -> None:
        """FIN, FIN, ACK."""
        self.send(time, reverse=False, sequence=self.sent[0], flags=FIN | ACK)
        self.sent[0] += 1
        self.send(time + self.round_trip // 3, reverse=True, sequence=self.sent[1], flags=FIN | ACK)
        self.sent[1] += 1
        self.send(time + self.round_trip, reverse=False, sequence=self.sent[0])


def connection(random: Random, flow: int, start: int, loss: float) -> list[Packet]:
    """A TCP connection from SYN to FIN."""
    one = Connection(random, flow, start, loss)
    time = one.answer(one.open(), random.randint(5, 120))
    if random.random() < 0.2:
        time = one.idle(time)
    one.close(time + MILLISECOND)
    return one.packets


def real_time(random: Random, flow: int, start: int, _loss: float) -> list[Packet]:
    """RTP: headers alike but for a number; voice at a steady pace, or pictures in bursts."""
    pace = random.choice((20 * MILLISECOND, 8 * MICROSECOND))
    both = {"flow": flow, "version": random.choice((4, 6)), "protocol": UDP, "mode": int(random.choice(MODES))}
    size = random.choice((172, 1200))
    return [
        {**both, "time": start + number * pace, "serial": 1 + number, "size": size}
        for number in range(random.randint(20, 80))
    ]


def asking(random: Random, flow: int, start: int, _loss: float) -> list[Packet]:
    """A question and its answer in UDP, asked again when none comes."""
    both = {"flow": flow, "version": random.choice((4, 6)), "protocol": UDP, "mode": int(random.choice(MODES))}
    asked = {**both, "serial": random.getrandbits(30), "size": 40}
    packets = [{**asked, "time": start}]
    if random.random() < 0.1:
        packets.append({**asked, "time": start + SECOND, "truth": Truth.AGAIN})
    answered = packets[-1]["time"] + random.randint(200, 20_000) * MICROSECOND
    return [*packets, {**asked, "time": answered, "reverse": True, "size": 120}]


def fragments(random: Random, flow: int, start: int, _loss: float) -> list[Packet]:
    """A datagram in three fragments."""
    both = {"flow": flow, "version": 4, "protocol": UDP, "mode": int(Identification.GIVEN)}
    both |= {"identification": random.randint(1, 0xFFFF), "serial": random.getrandbits(30)}
    parts = ((0x2000, 1472), (0x2000 | 185, 1480), (370, 300))
    return [
        {**both, "time": start + number * 12 * MICROSECOND, "fragment": fragment, "size": size}
        for number, (fragment, size) in enumerate(parts)
    ]


def pings(random: Random, flow: int, start: int, _loss: float) -> list[Packet]:
    """Echo requests and replies."""
    version = random.choice((4, 6))
    both = {"flow": flow, "version": version, "protocol": ICMP if version == 4 else ICMPV6}
    both |= {"mode": int(random.choice(MODES)), "size": 56}
    return [
        {
            **both,
            "time": start + number * SECOND // 5 + reverse * 300 * MICROSECOND,
            "serial": number,
            "reverse": reverse,
        }
        for number, reverse in itertools.product(range(5), (False, True))
    ]


def _all(random: Random, loss: float) -> Iterator[list[Packet]]:
    """Without end: conversations, so close together that PACKETS_PER_SECOND come of it."""
    time, flow = START, 0
    while True:
        make = random.choices((connection, real_time, asking, fragments, pings), (12, 3, 6, 2, 1))[0]
        packets = make(random, flow, time, loss)
        yield packets
        time += len(packets) * SECOND // PACKETS_PER_SECOND
        flow += 1


def clean(packets: int, random: Random, loss: float = LOSS) -> Rows:
    """About so many packets in the order of time, `loss` of the data segments lost and sent again."""
    parts: list[Rows] = []
    waiting: list[Packet] = []
    count = 0
    for conversation in _all(random, loss):
        waiting += conversation
        if len(waiting) > 20_000 or count + len(waiting) >= packets:
            count += len(waiting)
            parts.append(rows_of(waiting))
            waiting = []
        if count >= packets:
            break
    rows = np.concatenate(parts)
    rows = rows[np.argsort(rows["time"], kind="stable")]
    rows["ttl"] = np.where(rows["reverse"], 57, 64)
    rows["vlan"] = 10
    rows["macs"] = rows["flow"] % 7
    identify(rows, np.random.default_rng(random.getrandbits(32)))
    return rows
