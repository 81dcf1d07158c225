from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.capture.packets import PACKET_DTYPE, PacketBlock
from probes.capture.reader import CaptureReader
from probes.flows import layout
from probes.flows.probe import FlowProbe, ProbeSettings
from tests.probes.observed import SECOND, START, records_of
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.batch import concatenate, packets_of
from topics.flags import Cause
from topics.record import FLOW_DTYPE


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> PacketBlock:
    path = tmp_path_factory.mktemp("sample") / "sample.pcap"
    write_pcap(path, sample_frames(1))
    blocks = [PacketBlock(block.data.copy(), block.packets.copy()) for block in CaptureReader(str(path))]
    base, parts = 0, []
    for block in blocks:
        packets = block.packets.copy()
        packets["offset"] += base
        base += len(block.data)
        parts.append(packets)
    return PacketBlock(np.concatenate([block.data for block in blocks]), np.concatenate(parts))


def cut(block: PacketBlock, places: list[int]) -> list[PacketBlock]:
    edges = [0, *sorted(place % len(block.packets) for place in places), len(block.packets)]
    return [PacketBlock(block.data, block.packets[a:b]) for a, b in itertools.pairwise(edges)]


@settings(max_examples=100, deadline=None)
@given(places=st.lists(st.integers(0, 10**6), max_size=12))
def test_records_are_the_same_bytes_however_the_packets_are_cut_into_blocks(
    sample: PacketBlock, places: list[int]
) -> None:
    assert records_of(cut(sample, places)).tobytes() == records_of([sample]).tobytes()


@pytest.mark.parametrize("interval", [0.001, 0.5, 5, 60, 86400])
def test_records_add_up_to_what_was_on_the_wire(sample: PacketBlock, interval: float) -> None:
    records = records_of([sample], status_interval=int(interval * SECOND))
    assert packets_of(records) == len(sample.packets)
    counted = sum(records[f"{side}_{what}"].sum() for side in ("src", "dst") for what in ("bytes", "duplicate_bytes"))
    assert counted == sample.packets["length"].sum()


@pytest.mark.parametrize("field", ["src_packets", "dst_bytes", "src_app_bytes", "dst_lost_packets"])
def test_sums_do_not_depend_on_the_status_interval(sample: PacketBlock, field: str) -> None:
    short = records_of([sample], status_interval=2 * SECOND)
    long = records_of([sample], status_interval=60 * SECOND)
    assert short[field].sum() == long[field].sum()


def test_no_record_is_older_than_its_lateness_bound(sample: PacketBlock) -> None:
    probe = FlowProbe(ProbeSettings(status_interval=5 * SECOND))
    batches = [batch for part in cut(sample, list(range(0, 10**6, 997))) for batch in probe.observe(part)]
    records = concatenate([*batches, *probe.flush()]).records
    first = np.where(records["src_first"] > 0, records["src_first"], records["dst_first"])
    both = (records["src_first"] > 0) & (records["dst_first"] > 0)
    first = np.where(both, np.minimum(records["src_first"], records["dst_first"]), first)
    last = np.maximum(records["src_last"], records["dst_last"])
    newest = np.maximum.accumulate(last)
    assert (first[1:] >= newest[:-1] - 5 * SECOND).all()


def synthetic(flows: int, packets_each: int, gap: int) -> PacketBlock:
    """UDP packets of many flows in turn, made with NumPy."""
    frame = bytearray(42)
    frame[12:14], frame[14], frame[23] = b"\x08\x00", 0x45, 17
    frame[16:18], frame[38:40] = b"\x00\x1c", b"\x00\x08"
    count = flows * packets_each
    data = np.tile(np.frombuffer(bytes(frame), np.uint8), (flows, 1)).copy()
    data[:, 26:30] = np.arange(flows, dtype=">u4").view(np.uint8).reshape(-1, 4)
    packets = np.zeros(count, PACKET_DTYPE)
    packets["time"] = START + np.arange(count) * gap
    packets["offset"] = np.tile(np.arange(flows) * 42, packets_each)
    packets["captured"] = packets["length"] = 42
    packets["link_type"] = 1
    return PacketBlock(data.reshape(-1), packets)


def test_the_table_grows_with_the_flows() -> None:
    block = synthetic(20_000, 3, 1000)
    probe = FlowProbe()
    batches = [*probe.observe(block), *probe.flush()]
    records = concatenate(batches).records
    assert probe.counts()["flows"] == 20_000
    assert records["src_packets"].sum() == 60_000
    assert len(records) == 20_000


def test_a_full_table_reports_and_evicts_the_oldest_flows() -> None:
    block = synthetic(10_000, 2, 1000)
    probe = FlowProbe(ProbeSettings(max_flows=4096, count_copies=True))  # each packet comes twice
    records = concatenate([*probe.observe(block), *probe.flush()]).records
    counts = probe.counts()
    assert counts["evicted"] > 0
    assert probe.active_flows <= 4096
    assert records["src_packets"].sum() == 20_000
    assert Cause.EVICTED in records["cause"]


def test_idle_flows_leave_the_table() -> None:
    probe = FlowProbe()
    list(probe.observe(synthetic(3000, 1, 1000)))
    later = synthetic(1, 3, 30 * SECOND)
    later.packets["time"] += 100 * SECOND
    list(probe.observe(later))
    assert probe.active_flows == 1


def test_every_field_of_a_side_that_a_record_has_is_as_wide_there() -> None:
    copied = [name for name in layout.SIDE_ROW.names or () if f"src_{name}" in (FLOW_DTYPE.names or ())]
    assert {"packets", "ttl", "window", "vlan", "tcp_flags", "interval_square_sum"} <= set(copied)
    for name in copied:
        assert layout.SIDE_ROW[name] == FLOW_DTYPE[f"src_{name}"] == FLOW_DTYPE[f"dst_{name}"]


def test_the_fields_of_a_row_stay_in_their_cache_lines() -> None:
    for lines, row in ((layout.SIDE_LINES, layout.SIDE_ROW), (layout.FLOW_LINES, layout.FLOW_ROW)):
        assert row.itemsize == layout.LINE * len(lines)
        assert row.fields is not None
        for number, line in enumerate(lines):
            for name, _ in line:
                kind, offset = row.fields[name][:2]
                assert layout.LINE * number <= offset <= layout.LINE * (number + 1) - kind.itemsize
                assert offset % kind.itemsize == 0
