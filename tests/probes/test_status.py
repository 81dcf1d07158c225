"""The status of the probe against traffic that is known, by the packets' time and by the clock's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.capture.packets import PacketBlock
from probes.flows.probe import ProbeSettings
from probes.sensor import Sensor
from probes.status import Identity, StatusReporter
from tests.probes.observed import CLIENT, SECOND, SERVER, START, block
from tests.traffic.packets import tcp_frame, udp_frame
from topics.probe_status import ProbeStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from topics.batch import FlowBatch
    from topics.errors import InputError

IDENTITY = Identity("1.2.3", "0123456789abcdef", 60 * SECOND)
FRAME = udp_frame(CLIENT, SERVER, 40000, 9, b"x" * 58)


class Source:
    """A source that gives nothing by itself and lost what it is told."""

    def __init__(self, *, live: bool = False, **lost: int) -> None:
        self.live = live
        self.errors: list[InputError] = []
        self.lost = lost

    def open(self) -> None: ...

    def stop(self) -> None: ...

    def __iter__(self) -> Iterator[PacketBlock]:
        return iter(())

    def counters(self) -> dict[str, int]:
        return self.lost

    def dropped_by_interface(self) -> dict[str, int]:
        return {"eth1": 4}


class Observation:
    """A probe without files: blocks in, records and status out."""

    def __init__(self, *, live: bool = False, **lost: int) -> None:
        self.now = START
        self.sensor = Sensor(ProbeSettings("berlin", "edge", boot_id=77, status_interval=SECOND), {"eth1": "edge-1"})
        self.reporter = StatusReporter(self.sensor, Source(live=live, **lost), IDENTITY, lambda: self.now)
        self.batches: list[FlowBatch] = []

    def take(self, *blocks: PacketBlock) -> list[ProbeStatus]:
        found = []
        for piece in (piece for each in blocks for piece in self.reporter.watch(each)):
            if isinstance(piece, ProbeStatus):
                found.append(piece)
            else:
                self.batches += self.sensor.take(piece)
        return found

    def finish(self) -> list[ProbeStatus]:
        self.batches += self.sensor.flush()
        return list(self.reporter.finish())


def every(seconds: float, count: int, frame: bytes = FRAME, begin: float = 0) -> Sequence[tuple[float, bytes]]:
    return [(begin + seconds * place, frame) for place in range(count)]


def test_files_are_reported_on_by_the_time_of_their_packets() -> None:
    probe = Observation()
    found = probe.take(block(every(10, 14))) + probe.finish()
    assert [(each.cause, (each.time - START) // SECOND, each.packets) for each in found] == [
        ("start", 0, 0),
        ("status", 60, 6),
        ("status", 120, 12),
        ("stop", 130, 14),
    ]
    assert [each.sequence for each in found] == [0, 1, 2, 3]


def test_the_cut_into_blocks_does_not_matter() -> None:
    frames = every(7, 40)
    whole, single = Observation(), Observation()
    expected = whole.take(block(frames)) + whole.finish()
    assert single.take(*(block([frame]) for frame in frames)) + single.finish() == expected
    assert len(expected) == 6


def test_a_long_silence_is_one_status() -> None:
    probe = Observation()
    found = probe.take(block([(0, FRAME), (1000, FRAME), (1019, FRAME), (1020, FRAME)]))
    assert [(each.time - START) // SECOND for each in found] == [0, 1000, 1020]


def test_everything_seen_is_counted_and_adds_up() -> None:
    probe = Observation()
    frames = [*every(0.1, 30), *every(0.1, 20, tcp_frame(CLIENT, SERVER, 1, 2, flags="S"), begin=3), (5.5, FRAME[:20])]
    probe.take(block(frames))
    stop = probe.finish()[-1]
    assert (stop.packets, stop.bytes) == (51, sum(len(frame) for _, frame in frames))
    assert (stop.flows, stop.active_flows) == (3, 3)
    assert (
        stop.record_packets
        == 51
        == sum(int(batch.records[name].sum()) for batch in probe.batches for name in ("src_packets", "dst_packets"))
    )
    assert stop.records == sum(map(len, probe.batches))
    assert stop.odd["not_captured"] == 1
    assert (stop.site, stop.probe, stop.version, stop.configuration) == ("berlin", "edge", "1.2.3", "0123456789abcdef")
    assert (stop.status_interval, stop.probe_status_interval) == (SECOND, 60 * SECOND)
    assert stop.clock_offset is None


def test_interfaces_are_told_apart() -> None:
    probe = Observation()
    for name, count in (("eth0", 3), ("eth1", 5)):
        part = block(every(1, count))
        probe.take(PacketBlock(part.data, part.packets, name))
    stop = probe.finish()[-1]
    assert [(each.interface, each.probe, each.packets, each.record_packets) for each in stop.interfaces] == [
        ("eth0", "edge", 3, 3),
        ("eth1", "edge-1", 5, 5),
    ]
    assert [each.boot_id for each in stop.interfaces] == [77, 78]
    assert [each.dropped for each in stop.interfaces] == [0, 4]
    assert stop.interfaces[0].link_types == ["ethernet"]
    assert (stop.boot_id, stop.runs, stop.packets) == (77, 2, 8)
    observers = {(each.probe, each.interface) for batch in probe.batches for each in batch.observers.values()}
    assert observers == {("edge", "eth0"), ("edge-1", "eth1")}


def test_a_step_back_in_time_is_another_run() -> None:
    probe = Observation()
    probe.take(block(every(1, 10, begin=1000)), block(every(1, 10)))
    stop = probe.finish()[-1]
    assert (stop.runs, stop.interfaces[0].boot_id, stop.packets, stop.record_packets) == (2, 78, 20, 20)
    assert {batch.boot_id for batch in probe.batches} == {77, 78}


def test_interfaces_are_reported_on_by_the_clock_though_nothing_comes() -> None:
    probe = Observation(live=True, kernel_dropped=3)
    found = probe.take(block([]))
    for _ in range(5):
        probe.now += 25 * SECOND
        found += probe.take(block([]))
    assert [(each.cause, (each.time - START) // SECOND) for each in found] == [
        ("start", 0),
        ("status", 75),
        ("status", 125),
    ]
    assert found[0].dropped == {"kernel_dropped": 3}
    assert found[0].live


def test_the_clock_is_compared_with_the_newest_packet_when_live() -> None:
    probe = Observation(live=True)
    probe.now = START + 3 * SECOND
    probe.take(block(every(1, 3)))
    (stop,) = probe.finish()
    assert stop.clock_offset == SECOND
    assert stop.time == START + 3 * SECOND


def test_a_probe_that_saw_nothing_starts_and_stops() -> None:
    assert [(each.cause, each.packets, each.time) for each in Observation().finish()] == [
        ("start", 0, 0),
        ("stop", 0, 0),
    ]


def test_a_snapshot_is_no_record_of_the_sequence() -> None:
    probe = Observation()
    probe.take(block(every(1, 3)))
    probe.reporter.output = lambda: {"sent_records": 9}
    probe.reporter.control = lambda: {"bytes": 5}
    snapshot = probe.reporter.snapshot()
    assert (snapshot.packets, snapshot.output, snapshot.control) == (3, {"sent_records": 9}, {"bytes": 5})
    assert [each.sequence for each in probe.finish()] == [1]
