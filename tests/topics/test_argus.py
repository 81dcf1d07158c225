"""Records of Argus in and out: against an independent reader, against ra, in pieces, and damaged."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.argus_records import argus_tools, read_argus, run_ra
from topics.argus import layout as at
from topics.argus.decoder import ArgusDecoder
from topics.argus.encoder import ArgusEncoder, first_record
from topics.argus.event import MOST_TEXT, ArgusEvent, read_event
from topics.argus.management import Management, read_management, write_management
from topics.batch import FlowBatch, concatenate
from topics.errors import ArgusError
from topics.flags import Cause, TcpState

SAMPLE = Path(__file__).parent / "argus" / "sample.argus"
START_MAR = write_management(Management(source="10.1.2.3"))
COMPARED = [
    "ethertype",
    "protocol",
    "src_address",
    "dst_address",
    "src_port",
    "dst_port",
    "src_packets",
    "dst_packets",
    "src_bytes",
    "dst_bytes",
    "src_app_bytes",
    "dst_app_bytes",
    "src_ttl",
    "dst_ttl",
    "src_tos",
    "dst_tos",
    "src_ip_id",
    "dst_ip_id",
    "src_mac",
    "dst_mac",
    "src_vlan",
    "dst_vlan",
    "tcp_state",
    "tcp_options",
    "syn_ack_time",
    "ack_data_time",
    "src_base_sequence",
    "dst_base_sequence",
    "src_window",
    "dst_window",
    "src_lost_packets",
    "dst_lost_packets",
    "src_interval_count",
    "dst_idle_interval_count",
    "src_interval_max",
    "src_size_max",
    "dst_size_min",
    "icmp_error",
    "icmp_error_type",
    "icmp_error_router",
    "cause",
]
FIELDS = [
    "stime",
    "ltime",
    "dur",
    "proto",
    "saddr",
    "sport",
    "dir",
    "daddr",
    "dport",
    "spkts",
    "dpkts",
    "sbytes",
    "dbytes",
    "sappbytes",
    "dappbytes",
    "state",
    "sttl",
    "dttl",
    "stos",
    "dtos",
    "smac",
    "dmac",
    "svid",
    "dvid",
    "sloss",
    "dloss",
    "tcprtt",
    "synack",
    "ackdat",
    "swin",
    "dwin",
    "stcpb",
    "dtcpb",
    "sintpkt",
    "dintpkt",
    "smaxsz",
    "dminsz",
    "rate",
    "sload",
    "dload",
    "inode",
    "icmpid",
    "suser",
    "duser",
    "trans",
    "cause",
    "flgs",
]


def decoded(data: bytes, name: str = "records") -> FlowBatch:
    decoder = ArgusDecoder(name)
    batches = list(decoder.feed(data))
    decoder.end()
    return concatenate(batches)


def record(version: int, *parts: bytes, kind: int = 1, cause: int = 1) -> bytes:
    body = b"".join(parts)
    return struct.pack(">BBH", kind << 4 | version, cause << 4, 1 + len(body) // 4) + body


def part(kind: int, sub: int, qualifier: int, body: bytes) -> bytes:
    return struct.pack(">BBBB", kind, sub, qualifier, 1 + len(body) // 4) + body


KEY = part(2, 1, 1, bytes((10, 0, 0, 1, 10, 0, 0, 2, 6, 0)) + struct.pack(">HHBB", 4000, 80, 0, 0))
TIME = part(3, 2, 0x18, struct.pack(">IIII", 1_700_000_000, 5, 1_700_000_001, 6))
COUNTS = part(0x10, 1, 1, bytes((3, 180, 2, 120)))


def test_fields_are_those_an_independent_reader_finds() -> None:
    mine, theirs = decoded(SAMPLE.read_bytes()), read_argus(SAMPLE)
    links = theirs.records["ethertype"] < 1536
    links |= ~np.isin(theirs.records["ethertype"], (0x0800, 0x86DD, 0x0806))
    assert len(mine) == len(theirs)
    for name in COMPARED:
        ok = links if name in {"src_address", "dst_address", "ethertype"} else np.zeros(len(mine), bool)
        np.testing.assert_array_equal(mine.records[name][~ok], theirs.records[name][~ok], err_msg=name)
    for name in ("src_payload", "dst_payload"):
        assert [mine.heap_value(row, name) for row in range(len(mine))] == [
            theirs.heap_value(row, name) for row in range(len(theirs))
        ]


def test_ra_reads_back_what_came_from_argus(tmp_path: Path) -> None:
    argus_tools()
    batch, out = decoded(SAMPLE.read_bytes()), tmp_path / "out.argus"
    out.write_bytes(first_record(batch) + ArgusEncoder().encode(batch))
    options = ("-n", "-n", "-u", "-c", "\t", "-p", "6", "-L", "-1", "-s", *FIELDS, "-", "ip or arp")
    before, after = (run_ra(path, *options).splitlines() for path in (SAMPLE, out))
    assert len(before) > 500
    assert [line for line in before if "nan" not in line] == [
        mine for mine, line in zip(after, before, strict=True) if "nan" not in line
    ]


def test_what_is_encoded_is_decoded_again() -> None:
    batch = decoded(SAMPLE.read_bytes())
    again = decoded(first_record(batch) + ArgusEncoder().encode(batch))
    for name in (*COMPARED, "src_first", "dst_last", "src_prefix_length", "labels_length", "src_ip_options"):
        np.testing.assert_array_equal(again.records[name], batch.records[name], err_msg=name)
    assert [o.probe for o in again.observers.values()] == [o.probe for o in batch.observers.values()]


def without_syn(data: bytes) -> bytes:
    """The same records, as if no SYN had been seen of what was set up."""
    changed, place = bytearray(data), 0
    while place < len(data):
        length = 4 * struct.unpack_from(">H", data, place + 2)[0]
        network = data.find(bytes((at.NETWORK, at.TCP_PERFORMANCE, 0, 30)), place, place + length)
        if data[place] >> 4 == at.FLOW and network > 0 and data[network + 7] & 7 == 7:
            changed[network + 7] &= 0xFE
        place += length
    return bytes(changed)


def test_who_began_a_connection_is_its_source_where_only_the_answer_was_seen() -> None:
    whole, batch = decoded(SAMPLE.read_bytes()).records, decoded(without_syn(SAMPLE.read_bytes()))
    records = batch.records
    turned = (whole["tcp_state"] & 7 == 7) & (whole["protocol"] == 6) & (records["tcp_state"] & 7 == 6)
    assert turned.sum() > 50
    for name in ("port", "address", "packets", "tcp_flags", "payload_length", "base_sequence", "first"):
        for one, other in (("src", "dst"), ("dst", "src")):
            np.testing.assert_array_equal(records[f"{one}_{name}"][turned], whole[f"{other}_{name}"][turned])
            np.testing.assert_array_equal(records[f"{one}_{name}"][~turned], whole[f"{one}_{name}"][~turned])
    states, before = (each["tcp_state"][turned].astype(int) for each in (records, whole))
    bits = int(TcpState.SRC_RETRANSMITTED), int(TcpState.DST_RETRANSMITTED)
    np.testing.assert_array_equal([states & bit > 0 for bit in bits], [before & bit > 0 for bit in bits[::-1]])
    again = decoded(first_record(batch) + ArgusEncoder().encode(batch))
    for name in COMPARED:
        np.testing.assert_array_equal(again.records[name], records[name], err_msg=name)


def test_ra_takes_the_same_for_the_source_of_a_connection(tmp_path: Path) -> None:
    argus_tools()
    seen, ours, written = (tmp_path / name for name in ("seen.argus", "ours.argus", "ra.argus"))
    seen.write_bytes(without_syn(SAMPLE.read_bytes()))
    batch = decoded(seen.read_bytes())
    ours.write_bytes(first_record(batch) + ArgusEncoder().encode(batch))
    run_ra(seen, "-w", str(written))
    options = ("-nn", "-u", "-c", ",", "-L", "-1", "-s", "stime", "saddr", "sport", "daddr", "dport", "spkts", "dbytes")
    lines = run_ra(seen, *options, "-", "ipv4", "and", "tcp")
    assert lines != run_ra(SAMPLE, *options, "-", "ipv4", "and", "tcp")
    assert lines == run_ra(ours, *options, "-", "ipv4", "and", "tcp")
    records, theirs = batch.records, decoded(written.read_bytes()).records
    ipv4_tcp = (records["ethertype"] == 0x0800) & (records["protocol"] == 6)
    for name in ("src_port", "dst_port", "src_packets", "dst_bytes"):
        np.testing.assert_array_equal(theirs[name][ipv4_tcp], records[name][ipv4_tcp], err_msg=name)


def test_pieces_of_any_size_give_the_same_records() -> None:
    data = SAMPLE.read_bytes()[:40_000]
    whole = [batch.records.tobytes() for batch in ArgusDecoder("x").feed(data)]
    decoder = ArgusDecoder("x")
    pieces = [batch for first in range(0, len(data), 997) for batch in decoder.feed(data[first : first + 997])]
    together = concatenate(pieces)
    for name in COMPARED:
        np.testing.assert_array_equal(
            together.records[name], concatenate(ArgusDecoder("x").feed(data)).records[name], err_msg=name
        )
    assert len(whole) == 1


def test_version_5_as_argus_5_writes_it() -> None:
    source = part(1, 3, 0x11, bytes((10, 9, 8, 7)) + b"eth0" + struct.pack(">I", 12))
    times = part(3, 2, 0x19, struct.pack(">IIII", 1_700_000_000, 123_456_789, 1_700_000_002, 5))
    jitter = part(0x46, 0, 1, struct.pack(">iffff", 2, 1000.0, 2000.0, float("nan"), 3000.0) + bytes(8))
    side = struct.pack(">12I", 1_700_000_000, 0, 0, 100, 200, 300, 0, 99, 4, 0, 0, 512 << 16 | 0x1B << 8 | 2)
    tcp = part(0x30, 5, 2, struct.pack(">5I", 7, 4, 0, 250, 30) + (side + struct.pack(">HH", 1460, 0)) * 2)
    stray = b"\0\0\0\1"
    unknown = part(0x7F, 0, 0, b"abcd")
    vxlan = part(0x43, 0, 0, struct.pack(">II", 77, 77) + KEY)
    batch = decoded(record(5, source, KEY, times, COUNTS, jitter, stray, tcp, unknown, vxlan, cause=2))
    row = batch.records[0]
    observer = batch.observers[int(row["observer"])]
    assert (observer.probe, observer.interface) == ("10.9.8.7", "eth0")
    assert (row["src_first"], row["src_last"]) == (1_700_000_000_123_456_789, 1_700_000_002_000_000_005)
    assert (row["src_interval_count"], row["src_interval_sum"], row["src_interval_max"]) == (2, 4000, 3000)
    assert (row["src_mss"], row["dst_window"], row["syn_ack_time"]) == (1460, 2048, 250_000)
    assert (row["tunnel_kind"], row["tunnel_id"], row["tunnel_addresses_length"]) == (200, 77, 32)
    assert (row["status_sequence"], row["cause"]) == (12, Cause.STATUS)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (part(1, 1, 0x21, b"lab1"), "lab1"),
        (part(1, 1, 0x20, struct.pack(">I", 99)), "99"),
        (part(1, 1, 0x02, bytes(15) + b"\1"), "::1"),
        (part(1, 1, 0x22, bytes(range(16))), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (b"", "fallback"),
    ],
)
def test_source_ids_of_all_kinds(given: bytes, name: str) -> None:
    decoder = ArgusDecoder("x", source="fallback")
    (batch,) = decoder.feed(record(3, given, KEY, TIME, COUNTS))
    assert [observer.probe for observer in batch.observers.values()] == [name]


def test_words_of_a_record_become_labels() -> None:
    parts = (
        part(0x66, 0, 0, b"name=a\0\0"),
        part(0x64, 0, 0, b"NLDE"),
        part(0x32, 0, 0, struct.pack(">III", 0, 64500, 7)),
    )
    batch = decoded(record(3, KEY, TIME, COUNTS, *parts))
    assert batch.heap_value(0, "labels") == b"name=a:sco=NL:dco=DE:das=64500:ias=7"
    again = decoded(ArgusEncoder().encode(batch))
    assert again.heap_value(0, "labels") == batch.heap_value(0, "labels")


def test_ends_of_layer_2_flows_are_turned_when_the_key_says_so() -> None:
    body = bytes.fromhex("0200000000fe0180c200000e88cc0000")
    rows = decoded(b"".join(record(3, part(2, sub, 3, body), TIME, COUNTS) for sub in (0x01, 0x41))).records
    assert [row["src_address"][10:].tobytes().hex() for row in rows] == ["0180c200000e", "0200000000fe"]


def test_management_and_event_records() -> None:
    text = b"file=/proc/vmstat\nnr_free 1\n"
    body = struct.pack(">HH", len(text), len(text)) + text + bytes(-len(text) % 4)
    event = record(
        3,
        part(1, 3, 0x21, b"lab1" + bytes(4)),
        TIME,
        struct.pack(">BBH", 0x50, 0x90, 1 + len(body) // 4) + body,
        kind=4,
    )
    decoder = ArgusDecoder("x")
    status = write_management(Management(cause=2, source="lab1", packets=7, bytes=8, dropped=3, records=2, sequence=9))
    batches = list(decoder.feed(START_MAR + event + record(3, KEY, TIME, COUNTS) + status))
    assert sum(map(len, batches)) == 1
    assert [m.source for m in decoder.managements] == ["10.1.2.3", "lab1"]
    assert decoder.managements[1].dropped == 3
    assert (decoder.others, decoder.flows) == (3, 1)
    assert read_event(decoder.events[0]) == ArgusEvent(1_700_000_000_000_005_000, "lab1", text)
    assert read_management(status[:-4]) is None


def test_packed_events_are_unpacked_as_far_as_they_may() -> None:
    def packed(text: bytes) -> bytes:
        body = struct.pack(">HH", len(text), len(text)) + text + bytes(-len(text) % 4)
        return record(3, TIME, struct.pack(">BBH", 0x50, 0x98, 1 + len(body) // 4) + body, kind=4)

    assert read_event(packed(zlib.compress(b"prog:/bin/x\nhello"))).text == b"prog:/bin/x\nhello"
    bomb = read_event(packed(zlib.compress(b"x" * 20_000_000)))
    assert (len(bomb.text), bomb.is_cut) == (MOST_TEXT, True)
    assert read_event(packed(b"no zlib")).text == b""
    whole = packed(zlib.compress(b"abc"))
    for end in range(len(whole)):
        read_event(whole[:end])


@pytest.mark.parametrize(
    ("data", "offset", "reason"),
    [
        (START_MAR + record(3, KEY) + b"\x13\x10\0\0", 128 + 24, "without a length"),
        (START_MAR + b"\x13\x10\0\3" + bytes((2, 1, 1, 200)) + bytes(4), 128 + 4, "longer than the record"),
        (START_MAR + b"\x13\x10\0\2" + b"\x50\x90\xff\xff", 128 + 4, "longer than the record"),
        (START_MAR + b"\x12\x10\0\1", 128, "no version that is read"),
        (START_MAR + record(3, KEY)[:-4], 128, "cut off after 20 bytes"),
        (b"\xd4\xc3\xb2\xa1" * 9, 0, "no records of Argus"),
    ],
)
def test_hostile_lengths_are_refused_with_their_offset(data: bytes, offset: int, reason: str) -> None:
    with pytest.raises(ArgusError, match=rf"^evil: .*{reason}.* at offset {offset}$"):
        decoded(data, "evil")


def test_counters_that_lie_stay_numbers() -> None:
    huge = part(0x10, 4, 4, b"\xff" * 48)
    row: Any = decoded(record(3, KEY, part(3, 2, 0x18, b"\xff" * 16), huge, part(0x46, 0, 15, b"\xff" * 80))).records[0]
    assert row["src_packets"] > 0
    assert row["src_first"] > 0
    assert row["src_interval_count"] == 0


def test_empty_stream_has_no_records() -> None:
    assert len(decoded(b"")) == 0
