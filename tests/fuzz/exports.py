"""Targets whose input is what an exporter sends: messages of NetFlow and IPFIX, datagrams of sFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from probes.exporters.collector import Collector, CollectorSettings
from probes.exporters.status import counts_of
from tests.fuzz.target import Target
from tests.traffic.exports import (
    SENT,
    USUAL,
    VARIABLE,
    counter_sample,
    flow_sample,
    ipfix,
    netflow5,
    netflow9,
    one_set,
    record,
    sender,
    sflow,
    template,
    usual,
)
from tests.traffic.packets import tcp_frame, udp_frame
from topics.batch import concatenate

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from random import Random

    from topics.batch import FlowBatch

A, B = "10.0.0.1", "10.0.0.2"
NOW = SENT * 1_000_000_000
NAMED = ((371, VARIABLE), *USUAL)
BIFLOW = (*USUAL, (2, 8, 29305), (1, 8, 29305))
OPTIONS = ((10, 4), (82, 16), (34, 4))
SUMS = ("src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_first", "src_last", "dst_first", "dst_last")


def _usual(number: int) -> bytes:
    return usual(A, B, (4000 + number, 443), 10, 1000, SENT * 1000 - 9, SENT * 1000)


class Exports(Target):
    """What an exporter sends through the whole collector: nothing but its own bytes is believed, all packets add up."""

    batch = 8
    kind = "netflow"

    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Take each alone, twice: behind it lie zeros, then other bytes, which must change nothing."""
        return [self._outcome(each, random) for each in inputs]

    def _outcome(self, data: bytes, random: Random) -> Hashable:
        one, other = self._collector(), self._collector()
        place = other.work.used + len(data)
        other.work.arena[place : place + 512] = np.frombuffer(random.randbytes(512), np.uint8)
        found, again = self._taken(one, data), self._taken(other, data)
        assert found.records.tobytes() == again.records.tobytes(), "a byte outside of a message was believed"
        assert found.heap.tobytes() == again.heap.tobytes()
        for name in SUMS:
            assert (found.records[name] >= 0).all()
        assert all(each.packets == each.record_packets for each in one.told.values())
        counts = [counts_of(each) for each in one.exporters.values()]
        return tuple(
            sorted((name, min(count, 4)) for each in counts for name, count in each.items() if name != "bytes")
        )

    def _collector(self) -> Collector:
        one = Collector(CollectorSettings(boot_id=1, most_waiting=64))
        if self.kind == "netflow":
            known = [template(256, USUAL), template(257, NAMED), template(258, OPTIONS, scopes=1)]
            one.take(self.kind, sender("192.0.2.1"), ipfix(known), NOW)
        return one

    def _taken(self, one: Collector, data: bytes) -> FlowBatch:
        one.take(self.kind, sender("192.0.2.1"), data, NOW)
        return concatenate([batch for batch in one.finish() if len(batch)])


class FlowExports(Exports):
    """Messages of NetFlow 5 and 9 and of IPFIX; some templates are known before."""

    name = "netflow"

    def seeds(self) -> dict[str, bytes]:
        """Return messages of all kinds."""
        named = record(NAMED, [b"name", A, B, 1, 2, 6, 2, 10, 1000, SENT * 1000, SENT * 1000])
        biflow = record(BIFLOW, [A, B, 1, 2, 6, 2, 10, 1000, SENT * 1000, SENT * 1000, 5, 500])
        old = template(300, USUAL, ipfix=False)
        return {
            "five": netflow5([(A, B, 40000, 53, 17, 3, 300), (B, A, 53, 40000, 17, 3, 900)], 0, 0x4000 | 10),
            "nine": netflow9([old, one_set(300, _usual(1) + _usual(2))]),
            "nine-options": netflow9([template(301, OPTIONS, ipfix=False, scopes=1), one_set(301, bytes(24))]),
            "known": ipfix([one_set(256, _usual(1) * 3)]),
            "variable": ipfix([one_set(257, named * 2)]),
            "biflow": ipfix([template(400, BIFLOW), one_set(400, biflow)]),
            "options": ipfix(
                [one_set(258, record(OPTIONS, [3, b"eth0".ljust(16, b"\0"), 100])), one_set(256, _usual(3))]
            ),
            "withdrawal": ipfix([one_set(2, b"\1\0\0\0"), one_set(256, _usual(1))]),
            "waiting": ipfix([one_set(999, _usual(1)), template(999, USUAL)]),
        }


class SampleExports(Exports):
    """Datagrams of sFlow 5."""

    name, kind = "sflow", "sflow"

    def seeds(self) -> dict[str, bytes]:
        """Return datagrams of all kinds."""
        udp, tcp = udp_frame(A, B, 4000, 53, b"x" * 22), tcp_frame(A, B, 4000, 80, payload=b"y" * 300)
        six = udp_frame("2001:db8::1", "2001:db8::2", 4000, 53, b"x" * 22)
        return {
            "udp": sflow([flow_sample(udp)]),
            "tcp": sflow([flow_sample(tcp, rate=1000)]),
            "six": sflow([flow_sample(six)], agent="2001:db8::9"),
            "counters": sflow([counter_sample(), flow_sample(udp)]),
            "several": sflow([flow_sample(udp), flow_sample(tcp), flow_sample(six)]),
            "both-ways": sflow([flow_sample(udp), flow_sample(udp_frame(B, A, 53, 4000, b"z"))]),
        }
