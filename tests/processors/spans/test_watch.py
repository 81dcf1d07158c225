"""Findings about mirror ports: what they say, when they are raised and cleared, and that batches do not matter."""

from __future__ import annotations

import itertools
import re
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from probes.flows.probe import FlowProbe, ProbeSettings
from processors.spans import SpanWatch
from tests.traffic.mirrored.conversations import clean
from tests.traffic.mirrored.faults import FAULTS
from tests.traffic.mirrored.render import blocks_of
from topics.batch import END_OF_RUN, FlowBatch, Observer, records_like
from topics.errors import DecodeError
from topics.spans import CLEARED, RAISED, encode_span_finding, read_span_finding

if TYPE_CHECKING:
    from tests.traffic.mirrored.table import Rows
    from topics.spans import SpanFinding

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
POINT = Observer("lab", "probe", "eth1")


def batch(second: float, packets: int = 200, copies: int = 0, **fields: Any) -> FlowBatch:
    """One status record up to a second after START; both sides sent `packets`, and copies of both came 40 us later."""
    records = records_like(1)
    records["observer"] = POINT.id
    values: dict[str, Any] = {"last": START + int(second * SECOND), "packets": packets, "ttl": 64, "vlan": 12}
    if copies:
        values |= {"duplicate_packets": copies, "duplicate_lag_sum": 40_000 * copies, "duplicate_lag_max": 50_000}
        values |= {"duplicate_vlan": 12, "duplicate_ttl": 63, "duplicate_differences": 1}
    for name, value in values.items():
        records[f"src_{name}"] = records[f"dst_{name}"] = value
    for name, value in fields.items():
        records[name] = value
    return FlowBatch(records, site="lab", probe="probe", boot_id=1, status_interval=SECOND, observers={POINT.id: POINT})


END = FlowBatch(site="lab", probe="probe", boot_id=1, watermark=END_OF_RUN)


def findings(*batches: FlowBatch) -> list[SpanFinding]:
    watch = SpanWatch()
    for each in batches:
        assert watch.process(each) == [each]
    return watch.findings


def test_a_fault_is_raised_once_and_cleared_when_it_is_over_for_a_while() -> None:
    faulty = [batch(second, 200, 200) for second in range(0, 60, 5)]
    healthy = [batch(second) for second in range(60, 160, 5)]
    raised, cleared = findings(*faulty, *healthy)
    assert (raised.state, raised.since, raised.time) == (RAISED, START, START + 20 * SECOND)
    assert (cleared.state, cleared.time) == (CLEARED, START + 90 * SECOND)
    assert (raised.site, raised.probe, raised.interface, raised.vlan, raised.ttl_steps) == (
        "lab",
        "probe",
        "eth1",
        12,
        1,
    )
    assert (raised.packets, raised.copies, raised.lag_mean, raised.lag_max) == (1600, 1600, 40_000, 50_000)
    assert raised.lags[15] == 1600  # between 2^15 and 2^16 ns
    assert raised.diagnosis == (
        "every frame from VLAN 12 arrives twice, the copy 40 us later with TTL one lower: "
        "the port mirrors both ingress and egress, with a router in between"
    )


def test_a_moment_of_copies_raises_nothing() -> None:
    quiet, burst = ([batch(second, copies=copies) for second in (21, 25)] for copies in (0, 100))
    before = [batch(second) for second in (1, 5, 11, 15)]
    after = [batch(second) for second in range(31, 60, 5)]
    assert findings(*before, *quiet, *after, END) == []
    assert findings(*before, *burst, *after, END) == []


def test_a_pause_of_one_period_does_not_clear() -> None:
    seconds = [*((second, 200) for second in range(0, 30, 5)), (32, 0), (37, 0), *((s, 200) for s in range(40, 100, 5))]
    assert [each.state for each in findings(*(batch(second, 200, copies) for second, copies in seconds))] == [RAISED]


def test_few_packets_are_gathered_over_periods() -> None:
    states = [each.state for each in findings(*(batch(second, 2, 1) for second in range(0, 300, 10)))]
    assert states == [RAISED]


def test_a_short_run_is_judged_at_its_end() -> None:
    watch = SpanWatch()
    for each in (batch(1, 200, 190), END):
        watch.process(each)
    assert [each.state for each in watch.findings] == [RAISED]
    assert [each.copies for each in watch.standing] == [380]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dst_duplicate_packets": 0}, "of one direction only arrives twice"),
        (
            {"src_duplicate_vlan": 20, "dst_duplicate_vlan": 20},
            "in VLAN 20, with TTL one lower: the VLANs on both sides",
        ),
        (
            {"src_duplicate_vlan": 0, "dst_duplicate_vlan": 0, "src_ttl": 63, "dst_ttl": 63},
            "without the tag: the port mirrors",
        ),
        ({"src_ttl": 63, "dst_ttl": 63}, "with the same bytes: the port mirrors both ingress and egress"),
        ({"src_duplicate_differences": 8, "dst_duplicate_differences": 8}, "under another MPLS label: both ends"),
        ({"src_duplicate_packets": 400, "dst_duplicate_packets": 400}, "arrives three times"),
        ({"src_duplicate_packets": 194, "dst_duplicate_packets": 194}, "nearly every frame from VLAN 12 arrives twice"),
        ({"src_duplicate_packets": 180, "dst_duplicate_packets": 180}, "90 % of the frames from VLAN 12 arrive twice"),
        ({"src_duplicate_packets": 300, "dst_duplicate_packets": 300}, "frames from VLAN 12 arrive 2.5 times on"),
        ({"src_duplicate_packets": 60, "dst_duplicate_packets": 60}, "30 % of the frames from VLAN 12 arrive twice"),
        (
            {"src_vlan": 0, "dst_vlan": 0},
            "every frame without a VLAN tag arrives twice, the copy 40 us later in VLAN 12",
        ),
    ],
)
def test_the_diagnosis_says_what_is_wrong(fields: dict[str, int], words: str) -> None:
    lags = {
        f"{side}_duplicate_lag_sum": 40_000 * fields.get(f"{side}_duplicate_packets", 200) for side in ("src", "dst")
    }
    (finding,) = findings(batch(1, 200, 200, **{**lags, **fields}), END)
    assert words in finding.diagnosis


DIAGNOSES = {
    "both directions": r"every frame from VLAN 10 arrives twice, the copy 2.* us later with the same bytes:.*",
    "routed": r"every frame from VLAN 10 arrives twice, the copy 1.. us later in VLAN 20, with TTL one lower, .*",
    "tagged": r"every frame from VLAN 10 arrives twice, the copy .* us later without the tag:.*",
    "in bursts": r"(nearly )?every frame from VLAN 10 arrives twice, the copy 5 ms later with the same bytes:.*",
    "one direction": r"(nearly )?every frame from VLAN 10 and of one direction only arrives twice, the copy .*",
    "triples": r"every frame from VLAN 10 arrives three times, the copies 12. us later in the mean, .* in VLAN 20, .*",
    "labelled": r"every frame from VLAN 10 arrives twice, the copy 6.* us later without the tag, under another MPLS .*",
    "lossy": r"(89|90) % of the frames from VLAN 10 arrive twice, .*",
}


@pytest.fixture(scope="module")
def unfaulty() -> Rows:
    return clean(24_000, Random(5))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_finding_with_its_name_and_batches_make_no_difference(fault: str, unfaulty: Rows) -> None:
    rows = FAULTS[fault](unfaulty, np.random.default_rng(1))
    probe = FlowProbe(ProbeSettings(status_interval=SECOND))
    batches = [each for block in blocks_of(rows) for each in probe.observe(block)] + list(probe.flush())
    parts = [each.select(slice(n, n + 50)) for each in batches if len(each) for n in range(0, len(each), 50)]
    whole, cut = findings(*batches), findings(*parts, batches[-1])
    assert whole == cut
    (finding,) = whole
    assert re.fullmatch(DIAGNOSES[fault], finding.diagnosis), finding.diagnosis
    assert finding.one_way == (fault == "one direction")


def test_a_clean_feed_has_no_findings() -> None:
    probe = FlowProbe()
    batches = itertools.chain.from_iterable(probe.observe(block) for block in blocks_of(clean(4_000, Random(6))))
    assert findings(*batches, *probe.flush()) == []


def test_a_finding_travels() -> None:
    (finding,) = findings(batch(1, 200, 200), END)
    message = encode_span_finding(finding)
    assert read_span_finding(message) == finding
    with pytest.raises(DecodeError, match=r"damaged span-finding\.v1 .* at byte 20"):
        read_span_finding(message[:20])
