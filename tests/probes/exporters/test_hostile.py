"""Exporters that lie, flood or pretend: everything is bounded and counted, and others notice nothing."""

from __future__ import annotations

import struct
from random import Random

import pytest

from probes.exporters import exporter as limits
from probes.exporters.collector import IDLE
from probes.exporters.status import counts_of
from tests.probes.exporters.collected import NOW, SECOND, collected, collector, told
from tests.traffic.exports import (
    SENT,
    USUAL,
    VARIABLE,
    flow_sample,
    ipfix,
    netflow5,
    netflow9,
    one_set,
    sender,
    sflow,
    template,
    usual,
)
from tests.traffic.packets import udp_frame

A, B, HONEST, LIAR = "10.0.0.1", "10.0.0.2", "192.0.2.1", "203.0.113.6"
RECORD = usual(A, B, (40000, 443), 10, 1000, SENT * 1000, SENT * 1000)
GOOD = ipfix([template(256, USUAL), one_set(256, RECORD)])
LIES = {
    "shorter than a header": b"\0\x0a\0\1",
    "no version": b"\xff" * 40,
    "a set longer than its message": ipfix([struct.pack(">HH", 256, 60000)]),
    "a set shorter than its header": ipfix([struct.pack(">HH", 256, 1)] * 3),
    "a template of more fields than there are": ipfix([one_set(2, struct.pack(">HH", 256, 60000))]),
    "a template of fields without a byte": ipfix([template(256, [(8, 0)] * 4), one_set(256, bytes(40))]),
    "a template that names a template": ipfix([one_set(2, struct.pack(">HHHH", 2, 1, 8, 4))]),
    "options without a scope": ipfix([one_set(3, struct.pack(">HHH", 256, 1, 0) + struct.pack(">HH", 8, 4))]),
    "variable length in NetFlow 9": netflow9([template(256, [(8, VARIABLE)], ipfix=False)]),
    "a longer message than was sent": GOOD[:2] + struct.pack(">H", 60000) + GOOD[4:],
    "more flows than there are": netflow5([(A, B, 1, 2, 6, 1, 40)])[:2] + b"\xff\xff" + netflow5([])[4:],
    "a length of its own beyond the set": ipfix(
        [template(256, [(82, VARIABLE), *USUAL]), one_set(256, b"\xff\xff\xff" + RECORD)]
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_lies_are_counted_and_others_notice_nothing(lie: bytes) -> None:
    one = collector()
    one.take("netflow", sender(LIAR), lie, NOW)
    one.take("netflow", sender(HONEST), GOOD, NOW)
    one.take("netflow", sender(LIAR), lie, NOW)
    records = [batch for batch in one.finish() if len(batch) and batch.probe == "192.0.2.1"]
    assert [each["packets"] for each in told(records[0])] == [(10, 0)]
    liar = next(each for each in one.exporters.values() if each.name == LIAR)
    assert liar.counts["malformed"] + liar.counts["not_understood"] + liar.counts["malformed_templates"]


@pytest.mark.parametrize("kind", ["netflow", "sflow"])
def test_damage_of_any_kind_is_no_more_than_counted(kind: str) -> None:
    random = Random(5)
    frame = udp_frame(A, B, 4000, 53, b"x" * 22)
    good = [
        GOOD,
        netflow5([(A, B, 1, 2, 6, 1, 40)] * 3),
        netflow9([template(256, USUAL, ipfix=False), one_set(256, RECORD)]),
    ]
    good = [sflow([flow_sample(frame)] * 3)] if kind == "sflow" else good
    one = collector()
    for _ in range(2000):
        data = bytearray(random.choice(good))
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(len(data))] = random.choice((0, 1, 255, random.randrange(256)))
        one.take(kind, sender(LIAR), bytes(data[: random.choice((len(data), random.randrange(len(data))))]), NOW)
        if one.work.full:
            list(one.decoded())
    batches = list(one.finish())
    for batch in batches:
        for name in ("src_packets", "src_bytes", "src_first", "src_last", "dst_packets", "dst_bytes"):
            assert (batch.records[name] >= 0).all()
        assert (batch.records["src_last"] >= batch.records["src_first"]).all()
    assert sum(each.packets for each in one.told.values()) == sum(each.record_packets for each in one.told.values())


def test_a_flood_of_templates_is_bounded() -> None:
    one = collector()
    for number in range(200):
        sets = [
            template(256 + (number * 100 + each) % 65000, [(8, 4), (12, 4), (2, 4 + number % 2)]) for each in range(100)
        ]
        one.take("netflow", sender(LIAR), ipfix(sets), NOW)
    (liar,) = one.exporters.values()
    assert len(liar.templates) == limits.MOST_TEMPLATES
    assert counts_of(liar)["templates_forgotten"] == 200 * 100 - limits.MOST_TEMPLATES
    one.take("netflow", sender(HONEST), GOOD, NOW)
    assert sum(map(len, one.finish())) == 1


def test_data_without_a_template_is_held_within_bounds() -> None:
    one = collector()
    for _ in range(100):
        one.take("netflow", sender(LIAR), ipfix([one_set(999, bytes(40_000))]), NOW)
        list(one.decoded())
    (liar,) = one.exporters.values()
    assert liar.held_bytes <= limits.MOST_HELD_BYTES
    assert counts_of(liar)["sets_without_template"] == 100 - len(liar.held)


def test_a_million_exporters_that_do_not_exist_leave_those_that_do_alone() -> None:
    one = collector(most_exporters=64)
    one.take("netflow", sender(HONEST), GOOD, NOW)
    for number in range(5000):
        one.take("netflow", bytes(10) + b"\xff\xff\x0a" + number.to_bytes(3, "big"), GOOD, NOW)
        if one.work.full:
            list(one.decoded())
    one.take("netflow", sender(HONEST), GOOD, NOW)
    list(one.decoded())
    assert len(one.exporters) == 64
    assert one.counts["refused_datagrams"] == 5000 - 63
    honest = next(each for each in one.exporters.values() if each.name == HONEST)
    assert honest.counts["records"] == 2
    one.take("netflow", sender("192.0.2.77"), GOOD, NOW + IDLE + SECOND)
    assert len(one.ended) == 1
    assert "192.0.2.77" in {each.name for each in one.exporters.values()}


def test_domains_of_one_exporter_are_bounded() -> None:
    one = collector()
    for number in range(1000):
        one.take("netflow", sender(LIAR), ipfix([template(256, USUAL), one_set(256, RECORD)], domain=number), NOW)
    (liar,) = one.exporters.values()
    assert len(liar.streams) == limits.MOST_DOMAINS
    assert liar.counts["refused_domains"] == 1000 - limits.MOST_DOMAINS


def test_only_those_that_are_allowed_are_heard() -> None:
    one = collector(allowed=lambda address: address == sender(HONEST))
    for each in (LIAR, HONEST):
        one.take("netflow", sender(each), GOOD, NOW)
    assert [each.name for each in one.exporters.values()] == [HONEST]


def test_counters_and_rates_beyond_all_numbers_stay_numbers() -> None:
    huge = usual(A, B, (1, 2), 2**64 - 1, 2**64 - 1, 2**64 - 1, 2**64 - 1)
    fields = (*USUAL, (34, 4))
    batch = collected([ipfix([template(256, fields), one_set(256, huge + b"\xff" * 4)])])
    assert 0 < batch.records["src_packets"][0] <= 2**62
    assert batch.records["src_last"][0] == NOW


def test_samples_that_lie_about_their_length_end_their_datagram() -> None:
    frame = udp_frame(A, B, 4000, 53, b"x" * 22)
    good = flow_sample(frame)
    one = collector()
    lie = struct.pack(">II", 1, 2**32 - 1) + good[8:]
    batch = collected([sflow([good, lie, good]), sflow([good], sequence=2)], one, kind="sflow")
    assert told(batch)[0]["packets"] == (200, 0)
    (liar,) = one.exporters.values()
    assert liar.counts["malformed"] == 1
