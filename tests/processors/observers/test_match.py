"""Conversations that several probes saw, by clocks that differ: counted once, clocks found, differences told."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from processors.observers import ObserverMatch, ObserverSettings
from tests.clients.flows import SECOND, record
from tests.traffic.mirrored.conversations import clean
from tests.traffic.mirrored.points import Point, flow_numbers, flows_of, seen_by
from topics.batch import FlowBatch, Observer, concatenate
from topics.errors import SettingsError
from topics.verdicts import FURTHER, PRIMARY

MILLISECOND = 1_000_000
PACKETS = 25_000
NEAR, MIDDLE, FAR = (
    Point("near", 1, 2 * MILLISECOND, share=0.9),
    Point("middle", 3, 1_700_000, 1_700 * MILLISECOND, share=0.95),
    Point("far", 6, 0, -1_900 * MILLISECOND, share=0.7),
)


def labels(batch: FlowBatch, row: int) -> dict[str, str]:
    return dict(pair.split("=") for pair in batch.heap_value(row, "labels").decode().split(":") if pair)


def matched(batches: list[FlowBatch]) -> FlowBatch:
    match = ObserverMatch()
    for batch in batches:
        assert match.process(batch) == []
    return concatenate(match.flush())


def seen(probe: str, number: int = 1, **changes: int) -> FlowBatch:
    """A flow of one probe: TCP of host 10.0.0.`number`, with some fields changed."""
    point = Observer("lab", probe, "eth0")
    batch = record(number)
    batch.records["observer"] = point.id
    batch.records["src_ttl_max"], batch.records["dst_ttl_max"] = 60, 60
    for name, value in changes.items():
        batch.records[name] = value
    return batch.replace(probe=probe, observers={point.id: point})


def moved(batch: FlowBatch, nanoseconds: int) -> FlowBatch:
    for name in ("src_first", "src_last", "dst_first", "dst_last"):
        batch.records[name] += nanoseconds
    return batch


def turned(batch: FlowBatch) -> FlowBatch:
    records = batch.records.copy()
    for name in batch.records.dtype.names or ():
        if name.startswith("src_"):
            other = name.replace("src_", "dst_")
            records[name], records[other] = batch.records[other], batch.records[name]
    return batch.replace(records=records)


@pytest.mark.parametrize("points", [(NEAR, MIDDLE), (NEAR, MIDDLE, FAR)], ids=["two", "three"])
def test_every_conversation_counts_once_and_clocks_are_found(points: tuple[Point, ...]) -> None:
    rows = clean(PACKETS, Random(3))
    views = [seen_by(point, rows, np.random.default_rng(number)) for number, point in enumerate(points)]
    batches = [flows for point, view in zip(points, views, strict=True) for flows in flows_of(point, view)]
    given = sum(map(len, batches))
    out = matched(batches)
    assert len(out) == given
    numbers = flow_numbers(out.records)
    primary = numbers[out.records["verdict"] == PRIMARY]
    assert set(out.records["verdict"].tolist()) == {PRIMARY, FURTHER}
    assert set(primary.tolist()) == set(numbers.tolist())
    assert len(primary) == len(set(primary.tolist()))
    order, clocks = [point.name for point in points], {point.name: point.clock for point in points}
    checked = 0
    for row in np.flatnonzero(out.records["verdict"] == FURTHER).tolist():
        told = labels(out, row)
        cor = told["cor"].split(",")
        assert cor == [name for name in order if name in cor]
        if len(cor) == 2:
            mine = out.observers[int(out.records["observer"][row])].probe
            (other,) = set(cor) - {mine}
            assert float(told["dlclock"]) * 1e9 == pytest.approx(clocks[mine] - clocks[other], abs=MILLISECOND)
            checked += 1
    assert checked > 50


def test_the_observation_with_more_packets_counts_and_both_tell_the_difference() -> None:
    one, other = seen("a", src_packets=10, dst_packets=8), moved(seen("b", src_packets=12, dst_packets=7), 3 * SECOND)
    out = matched([one, other])
    assert out.records["verdict"].tolist() == [FURTHER, PRIMARY]
    assert labels(out, 0) == {"cor": "a/eth0,b/eth0", "corpkts": "10/8,12/7", "dlspkt": "-2", "dldpkt": "1"}
    assert labels(out, 1) == labels(out, 0)


def test_delay_is_what_is_left_without_the_clocks() -> None:
    flows = []
    for number in range(1, 21):
        near, far = seen("a", number), moved(seen("b", number, src_ttl_max=58, dst_ttl_max=62), SECOND)
        for name in ("first", "last"):
            near.records[f"dst_{name}"] += 10 * MILLISECOND
            far.records[f"src_{name}"] += 2 * MILLISECOND
            far.records[f"dst_{name}"] += 8 * MILLISECOND
        flows += [near, far]
    told = labels(matched(flows), 0)
    assert told["cor"] == "a/eth0,b/eth0"
    assert (told["dlclock"], told["dlstime"], told["dlltime"]) == ("1.000000000", "0.002000000", "-0.002000000")


def test_directions_that_were_told_differently_are_the_same_conversation() -> None:
    out = matched([seen("a", src_packets=3), turned(seen("b"))])
    assert out.records["verdict"].tolist() == [PRIMARY, FURTHER]
    assert (labels(out, 0)["corpkts"], labels(out, 1)["corpkts"]) == ("3/2,2/2", "2/3,2/2")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (moved(seen("b"), 7 * SECOND), "its clock would be too far off"),
        (seen("b", src_port=999), "other ports"),
        (seen("b", src_base_sequence=77, src_tcp_flags=2), "the handshake began with another number"),
        (seen("b", tunnel_kind=200, tunnel_id=5), "another network"),
    ],
)
def test_what_is_not_the_same_conversation(other: FlowBatch, why: str) -> None:
    out = matched([seen("a", src_base_sequence=76, src_tcp_flags=2), other])
    assert out.records["verdict"].tolist() == [PRIMARY, PRIMARY], why


def test_pieces_of_a_long_conversation_meet_theirs_though_one_probe_began_late() -> None:
    def piece(probe: str, start: int, packets: int) -> FlowBatch:
        batch = moved(seen(probe, src_packets=packets), start * SECOND)
        for side in ("src", "dst"):
            batch.records[f"{side}_last"] = batch.records[f"{side}_first"] + 300 * SECOND
        return batch

    pieces = [piece("a", 0, 30), piece("a", 300, 30), piece("b", 100, 20), piece("b", 400, 20)]
    assert matched(pieces).records["verdict"].tolist() == [PRIMARY, PRIMARY, FURTHER, FURTHER]


def test_labels_from_elsewhere_stay_and_one_probe_alone_gets_none() -> None:
    one = seen("a")
    one.records["labels_length"] = 5
    out = matched([one.replace(heap=np.frombuffer(b"sco=x", np.uint8)), seen("b")])
    assert labels(out, 0)["sco"] == "x"
    assert labels(out, 0)["cor"] == labels(out, 1)["cor"]
    alone = matched([seen("a"), seen("a", 2)])
    assert (alone.records["verdict"] == PRIMARY).all()
    assert not alone.records["labels_length"].any()


def test_flows_without_answers_tell_no_clock() -> None:
    silent = {"dst_packets": 0, "dst_first": 0, "dst_last": 0, "dst_ttl_max": 0}
    far = seen("b", src_ttl_max=50, **silent)
    for name in ("src_first", "src_last"):
        far.records[name] += SECOND
    out = matched([seen("a", **silent), far])
    assert out.records["verdict"].tolist() == [PRIMARY, FURTHER]
    assert labels(out, 1) == {"cor": "a/eth0,b/eth0", "corpkts": "2/0,2/0", "dlspkt": "0", "dldpkt": "0"}


def test_nothing_gives_nothing() -> None:
    assert ObserverMatch().flush() == []


@pytest.mark.parametrize("tolerance", [0.0, -1.0, 1e6])
def test_a_tolerance_beyond_all_sense_is_refused(tolerance: float) -> None:
    with pytest.raises(SettingsError):
        ObserverSettings(tolerance=tolerance)
