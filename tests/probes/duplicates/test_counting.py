"""Copies in records: in fields of their own, and in nothing else."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from probes.duplicates.layout import ACTIVE, AHEAD, MODE, NEXT_MODE, PLACES, QUIET, REMEMBERED, WATCHING
from probes.flows.probe import FlowProbe, ProbeSettings
from tests.probes.observed import CLIENT, SERVER, TimedFrame, block, counts_of, observed, only, records_of
from tests.traffic.mirrored.conversations import clean
from tests.traffic.mirrored.faults import FAULTS
from tests.traffic.mirrored.render import block_of, blocks_of
from tests.traffic.packets import arp_frame, echo_frame, tcp_frame, udp_frame
from tests.traffic.sample.story import sample_frames
from topics.batch import packets_of
from topics.flags import TcpState

if TYPE_CHECKING:
    from tests.traffic.mirrored.table import Rows

MICROSECOND = 1e-6
ROUTER, HOST = "02:00:00:00:00:aa", "02:00:00:00:00:bb"


def data(sequence: int, identification: int, **carriage: object) -> bytes:
    more = {"identification": identification, **carriage}
    return tcp_frame(CLIENT, SERVER, 4000, 80, sequence=sequence, payload=b"x" * 100, **more)  # type: ignore[arg-type]


ROUTED = {"ttl": 63, "source_mac": ROUTER, "destination_mac": HOST, "vlans": [20]}


def test_copies_are_counted_beside_the_packets() -> None:
    frames: list[TimedFrame] = []
    for number in range(4):
        frames += [
            (number, data(100 * number, 7 + number)),
            (number + 40 * MICROSECOND, data(100 * number, 7 + number, **ROUTED)),
        ]
    record = only(observed(frames))
    assert (record["src_packets"], record["src_bytes"], record["src_app_bytes"]) == (4, 4 * 154, 400)
    assert (record["src_duplicate_packets"], record["src_duplicate_bytes"]) == (4, 4 * 158)
    assert (record["src_lost_packets"], record["src_retransmitted_packets"], record["dst_duplicate_packets"]) == (
        0,
        0,
        0,
    )
    assert (record["src_duplicate_lag_sum"], record["src_duplicate_lag_max"]) == (160_000, 40_000)
    assert (record["src_ttl"], record["src_duplicate_ttl"], record["src_vlan"], record["src_duplicate_vlan"]) == (
        64,
        63,
        0,
        20,
    )
    assert record["src_duplicate_differences"] == 0b111
    assert record["src_interval_count"] + record["src_idle_interval_count"] == 3
    assert record["tcp_state"] & TcpState.SRC_DUPLICATES


def test_the_way_of_argus_counts_them_as_packets() -> None:
    frames = [(0, data(0, 7)), (40 * MICROSECOND, data(0, 7, **ROUTED))]
    record = only(observed(frames, count_copies=True))
    assert (record["src_packets"], record["src_duplicate_packets"], record["src_retransmitted_packets"]) == (2, 0, 1)


@pytest.mark.parametrize(
    ("first", "again", "gap"),
    [
        pytest.param(data(0, 7), data(0, 8), 50 * MICROSECOND, id="another identification"),
        pytest.param(data(0, 7), data(0, 7), 0.2, id="same identification, much later"),
        pytest.param(data(0, 0), data(0, 0), 0.002, id="no identification, 2 ms later"),
        pytest.param(
            udp_frame(CLIENT, SERVER, 4000, 514, b"again"),
            udp_frame(CLIENT, SERVER, 4000, 514, b"again"),
            50 * MICROSECOND,
            id="datagram without identification",
        ),
        pytest.param(
            tcp_frame(CLIENT, SERVER, 4000, 80),
            tcp_frame(CLIENT, SERVER, 4000, 80),
            50 * MICROSECOND,
            id="bare acknowledgement",
        ),
        pytest.param(
            udp_frame(CLIENT, SERVER, 4000, 33434, b"p", ttl=1, identification=9),
            udp_frame(CLIENT, SERVER, 4000, 33434, b"p", ttl=2, identification=9),
            50 * MICROSECOND,
            id="somebody counts TTLs up",
        ),
    ],
)
def test_what_a_sender_may_have_sent_twice_is_no_copy(first: bytes, again: bytes, gap: float) -> None:
    record = only(observed([(0, first), (gap, again)]))
    assert (record["src_packets"], record["src_duplicate_packets"]) == (2, 0)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        pytest.param(
            udp_frame(CLIENT, SERVER, 4000, 53, b"q" * 20),
            udp_frame(CLIENT, SERVER, 4000, 53, b"q" * 20, vlans=[3]),
            id="tag",
        ),
        pytest.param(
            tcp_frame("2001:db8::1", "2001:db8::2", 4000, 80, payload=b"x"),
            tcp_frame("2001:db8::1", "2001:db8::2", 4000, 80, payload=b"x"),
            id="data over IPv6, sooner than anybody sends again",
        ),
        pytest.param(
            echo_frame(CLIENT, SERVER, 1, 2, b"ping", identification=5),
            echo_frame(CLIENT, SERVER, 1, 2, b"ping", identification=5),
            id="ping",
        ),
        pytest.param(
            arp_frame(1, "02:00:00:00:00:01", CLIENT, SERVER),
            arp_frame(1, "02:00:00:00:00:01", CLIENT, SERVER, vlans=[3]),
            id="ARP in another VLAN",
        ),
    ],
)
def test_copies_of_other_protocols(first: bytes, again: bytes) -> None:
    record = only(observed([(0, first), (30 * MICROSECOND, again)]))
    assert (record["src_packets"], record["src_duplicate_packets"]) == (1, 1)


def datagrams(count: int) -> list[bytes]:
    return [
        udp_frame(CLIENT, SERVER, 4000, 514, b"%d" % number, identification=1 + number % 65_535)
        for number in range(count)
    ]


def test_copies_are_found_among_more_packets_than_there_are_places() -> None:
    packets = datagrams(3 * PLACES // 2)
    bursts = [(late + number / 4_000_000, frame) for late in (0, 0.005) for number, frame in enumerate(packets)]
    counts = counts_of(bursts)
    assert (counts["packets"], counts["copies"]) == (3 * PLACES, 3 * PLACES // 2)


def test_what_is_further_back_than_the_ring_is_long_is_forgotten() -> None:
    packets = datagrams(REMEMBERED + 1)
    frames = [(number / 8_000_000, frame) for number, frame in enumerate(packets)]
    assert counts_of([*frames, (0.005, packets[0])])["copies"] == 0
    assert counts_of([*frames, (0.005, packets[1])])["copies"] == 1
    assert counts_of([*frames, (0.005, packets[0]), (0.0051, packets[0])])["copies"] == 1


def test_a_packet_whose_clock_is_off_makes_others_no_less_known() -> None:
    first, second, third, ahead = datagrams(4)
    frames = [(0, first), (0.0001, second), (0.0002, third), (9_000, ahead)]
    assert counts_of([*frames, (0.0003, third), (0.0004, third)])["copies"] == 2


def test_a_frame_cut_in_its_header_is_not_judged() -> None:
    whole = data(0, 7)
    for size in range(len(whole)):
        assert counts_of([(0, whole[:size]), (40 * MICROSECOND, whole[:size])])["packets"] == 2


def test_an_identification_that_never_changes_says_nothing() -> None:
    frames = [(number, data(100 * number, 7)) for number in range(5)]
    record = only(observed([*frames, (4.05, data(400, 7))]))
    assert (record["src_packets"], record["src_duplicate_packets"]) == (6, 0)


def test_the_copy_of_the_last_packet_adds_no_flow_and_no_packet() -> None:
    frames: list[TimedFrame] = [(0, tcp_frame(CLIENT, SERVER, 4000, 80, flags="S", identification=3))]
    reset = {"flags": "RA", "acknowledgement": 1}
    frames += [
        (time, tcp_frame(SERVER, CLIENT, 80, 4000, identification=4, **more, **reset))  # type: ignore[arg-type]
        for time, more in ((0.001, {}), (0.001 + 40 * MICROSECOND, ROUTED))
    ]
    records = observed(frames)
    assert len(np.unique(records["flow_id"], axis=0)) == 1
    assert (records["src_packets"].sum(), records["dst_packets"].sum(), records["dst_duplicate_packets"].sum()) == (
        1,
        1,
        1,
    )
    assert all(record["src_first"] or record["dst_first"] for record in records)
    late = records[-1]  # tells what its packet was like, which the record before holds
    assert (late["dst_packets"], late["dst_ttl"], late["dst_vlan"], late["dst_duplicate_vlan"]) == (0, 64, 0, 20)


def test_of_several_copies_those_that_differ_say_how() -> None:
    frames: list[TimedFrame] = []
    for number in range(4):
        copies = (data(100 * number, 7 + number, **more) for more in ({}, ROUTED, {}))
        frames += [(number + part * 10 * MICROSECOND, copy) for part, copy in enumerate(copies)]
    record = only(observed(frames))
    assert (record["src_packets"], record["src_duplicate_packets"]) == (4, 8)
    assert (record["src_duplicate_ttl"], record["src_duplicate_vlan"]) == (63, 20)
    assert record["src_duplicate_differences"] == 0b111


def test_every_packet_of_the_wire_is_accounted_for() -> None:
    frames = [(time / 1e9, frame) for time, frame in sample_frames(1)]
    records = observed(frames)
    assert packets_of(records) == len(frames)
    assert (
        records["src_duplicate_packets"].sum() + records["dst_duplicate_packets"].sum()
        == counts_of(frames)["copies"]
        > 100
    )


@pytest.fixture(scope="module")
def mirrored() -> Rows:
    return FAULTS["routed"](clean(4_000, Random(3)), np.random.default_rng(3))


def test_blocks_make_no_difference(mirrored: Rows) -> None:
    whole = records_of(blocks_of(mirrored))
    cuts = [0, 1, 50, 333, 4097, len(mirrored)]
    parts = records_of(block_of(mirrored[first:last]) for first, last in pairwise(cuts))
    assert whole.tobytes() == parts.tobytes()


def test_a_feed_without_copies_is_only_sampled_until_one_comes(mirrored: Rows) -> None:
    probe = FlowProbe(ProbeSettings())
    frames = [(number / 1000, data(100 * number, 1 + number % 60_000)) for number in range(QUIET + 3 * AHEAD)]
    list(probe.observe(block(frames)))
    assert probe.judge.state[MODE] == WATCHING
    mirrored = mirrored.copy()
    mirrored["time"] += probe.clock + 1_000_000_000 - mirrored["time"][0]
    list(probe.observe(block_of(mirrored)))
    assert probe.judge.state[NEXT_MODE] == ACTIVE
    assert probe.counts()["copies"] > 0.9 * len(mirrored) / 2
