"""`racluster -m`: which records share a key, and what is left of the fields outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.merge import Aggregation
from processors.merge.key_fields import COLUMNS, parse_keys
from tests.processors.merge import model
from tests.processors.merge.generated import ARP, IPV4, IPV6, Plan, plans, status_batch
from tests.processors.merge.totals import totals
from topics.batch import FlowBatch, records_like
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAPPED = bytes(10) + b"\xff\xff"
NAMES = {
    "srcid": "observer",
    "probe": "observer",
    "smac": "src_mac",
    "dmac": "dst_mac",
    "svlan": "src_vlan",
    "dvlan": "dst_vlan",
    "stos": "src_tos",
    "dtos": "dst_tos",
    "sttl": "src_ttl",
    "dttl": "dst_ttl",
    "stcpb": "src_base_sequence",
    "dtcpb": "dst_base_sequence",
    "inode": "icmp_error_router",
}


def aggregated(batch: FlowBatch, keys: Sequence[str], **options: bool) -> FlowBatch:
    aggregation = Aggregation(keys, **options)
    aggregation.add(batch)
    return aggregation.finish()


def kind(record: model.Record) -> int:
    return record["ethertype"] if record["ethertype"] in (IPV4, IPV6, ARP, 0x8035) else 0


def protocol(record: model.Record) -> tuple[str, int]:
    is_ip = record["ethertype"] in (IPV4, IPV6) or (record["ethertype"] == 0 and record["protocol"])
    return ("ip", record["protocol"]) if is_ip else ("link", record["ethertype"])


def part(record: model.Record, name: str) -> Any:
    """What a record has in common with others of the key `name`."""
    side = "src" if name.startswith("s") else "dst"
    match name:
        case "all":
            return ()
        case "saddr" | "daddr":
            return kind(record), record[f"{side}_address"]
        case "matrix":
            return kind(record), record["src_address"], record["dst_address"]
        case "proto":
            return protocol(record)
        case "sport":
            return protocol(record), record["src_port"]
        case "dport":
            return protocol(record), record["dst_port"], record["discriminator"] * (protocol(record) == ("ip", 50))
        case "smpls" | "dmpls":
            return record[f"{side}_mpls"] >> 12
    return record[NAMES[name]]


def narrow(batch: FlowBatch, seed: int) -> FlowBatch:
    """Few values of each field that can be a key."""
    random = np.random.default_rng(seed)
    for name in set(NAMES.values()) - {"observer"}:
        batch.records[name] = batch.records[name][random.integers(0, max(1, len(batch)) // 3 + 1, len(batch))]
    batch.records["src_mpls"] = random.integers(0, 3, len(batch)) << 12 | random.integers(0, 4096, len(batch))
    return batch


@settings(max_examples=150, deadline=None)
@given(plans, st.lists(st.sampled_from([*COLUMNS, "all"]), min_size=1, max_size=4, unique=True))
def test_records_that_share_a_key_become_one(plan: Plan, keys: list[str]) -> None:
    batch = narrow(status_batch(plan), plan.seed)
    groups: dict[Any, int] = {}
    for whole in model.records_of(batch):
        turned = "matrix" in keys and whole["ethertype"] != ARP and whole["src_address"] > whole["dst_address"]
        record = model.reverse(whole) if turned else whole
        shared = tuple(part(record, name) for name in keys)
        groups[shared] = (groups.get(shared, 0) + record["records"]) % 2**64
    flows = aggregated(batch, keys)
    assert sorted(int(count) % 2**64 for count in flows.records["records"]) == sorted(groups.values())
    assert totals([flows]) == totals([batch])


@settings(max_examples=40, deadline=None)
@given(plans)
def test_merged_fields_are_those_of_the_model(plan: Plan) -> None:
    """With `all`, one flow: every rule over records that agree in nothing."""
    batch = status_batch(plan, sane_lengths=False)
    expected: list[model.Record] = []
    for record in model.records_of(batch):
        expected = [model.merge(expected[0], record) if expected else record]
    for record in expected:
        for name in record:
            if isinstance(record[name], float):
                record[name] = pytest.approx(record[name], rel=1e-12)
    assert model.records_of(aggregated(batch, ["all"])) == expected


def hosts(*addresses: str) -> FlowBatch:
    """Records between pairs of addresses `a>b`, IPv4 as dotted, IPv6 as hexadecimal."""
    records = records_like(len(addresses))
    for row, pair in enumerate(addresses):
        for side, text in zip(("src", "dst"), pair.split(">"), strict=True):
            packed = MAPPED + bytes(map(int, text.split("."))) if "." in text else bytes.fromhex(text)
            records[f"{side}_address"][row] = np.frombuffer(packed, np.uint8)
        records["ethertype"][row] = IPV4 if "." in pair else IPV6
    records["protocol"], records["src_packets"] = 17, np.arange(1, len(addresses) + 1)
    return FlowBatch(records)


def shown(flows: FlowBatch, side: str = "src") -> list[tuple[str, int, int]]:
    return [
        (
            bytes(record[f"{side}_address"])[-4:].hex("."),
            int(record[f"{side}_prefix_length"]),
            int(record["src_packets"]),
        )
        for record in flows.records
    ]


def test_addresses_are_cut_to_the_prefix_asked_for() -> None:
    batch = hosts("10.1.2.3>9.9.9.9", "10.1.7.7>9.9.9.9", "10.2.0.1>9.9.9.9")
    assert shown(aggregated(batch, ["saddr/16"])) == [("0a.01.00.00", 112, 3), ("0a.02.00.00", 112, 3)]
    assert shown(aggregated(batch, ["saddr/255.255.0.0"])) == shown(aggregated(batch, ["saddr/16"]))
    assert shown(aggregated(batch, ["saddr/0"])) == [("00.00.00.00", 96, 6)]


def test_a_prefix_longer_than_an_ipv4_address_cuts_only_ipv6() -> None:
    six = [f"fd00{subnet:04x}{'0' * 22}{host:02x}" for subnet, host in ((1, 1), (1, 2), (2, 1))]
    batch = hosts("10.0.0.1>9.9.9.9", "10.0.0.2>9.9.9.9", *(f"{address}>{six[0]}" for address in six))
    flows = aggregated(batch, ["saddr/48"])
    assert [int(length) for length in flows.records["src_prefix_length"]] == [128, 128, 48, 48]
    assert flows.records["src_packets"].tolist() == [1, 2, 7, 5]


def test_fields_outside_the_key_keep_what_all_agree_in() -> None:
    batch = hosts("10.0.0.1>9.9.9.1", "10.0.0.1>9.9.9.2", "10.0.0.2>9.9.9.1")
    flows = aggregated(batch, ["saddr"])
    assert shown(flows, "dst") == [("09.09.09.00", 126, 3), ("09.09.09.01", 128, 3)]
    assert flows.records["protocol"].tolist() == [17, 17]


def test_nopreserve_clears_them_at_once() -> None:
    batch = hosts("10.0.0.1>9.9.9.1", "10.0.0.1>9.9.9.2", "10.0.0.2>9.9.9.1")
    flows = aggregated(batch, ["saddr"], preserve=False)
    assert shown(flows, "dst") == [("00.00.00.00", 0, 3), ("00.00.00.00", 0, 3)]
    assert flows.records["protocol"].tolist() == [0, 0]
    assert shown(flows) == [("0a.00.00.01", 128, 3), ("0a.00.00.02", 128, 3)]


def test_a_matrix_makes_the_smaller_address_the_source() -> None:
    batch = hosts("10.0.0.1>10.0.0.9", "10.0.0.9>10.0.0.1")
    flows = aggregated(batch, ["matrix"])
    assert [(record["src_packets"], record["dst_packets"]) for record in flows.records] == [(1, 2)]
    assert shown(flows) == [("0a.00.00.01", 128, 1)]


def test_rmon_counts_each_host_both_ways() -> None:
    batch = hosts("10.0.0.1>10.0.0.9", "10.0.0.9>10.0.0.1", "10.0.0.1>10.0.0.5")
    flows = aggregated(batch, ["saddr"], rmon=True)
    counts = {
        address: (record["src_packets"], record["dst_packets"], record["records"])
        for (address, _, _), record in zip(shown(flows), flows.records, strict=True)
    }
    assert counts == {"0a.00.00.01": (4, 2, 3), "0a.00.00.09": (2, 1, 2), "0a.00.00.05": (0, 3, 1)}


def test_none_passes_records_as_they_are() -> None:
    batch = status_batch(Plan(seed=1, count=30, kinds=(0, 1)))
    assert model.records_of(aggregated(batch, ["none"])) == model.records_of(batch)


def test_norep_drops_what_counts_the_merged_records() -> None:
    batch = status_batch(Plan(seed=1, count=30, kinds=(0, 1)))
    for keys in ([], ["none"], ["saddr"]):
        flows = aggregated(batch, keys, aggregates=False)
        assert not any(flows.records[name].any() for name in ("records", "duration_sum", "duration_max"))
    assert batch.records["records"].any()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sadr", "unknown key 'sadr'; did you mean 'saddr'?"),
        ("", "unknown key ''"),
        ("saddr/129", "no prefix length: 'saddr/129'"),
        ("saddr/", "no prefix length: 'saddr/'"),
        ("saddr/x", "no prefix length: 'saddr/x'"),
        ("saddr/" + "9" * 5000, "no prefix length"),
        ("daddr/255.0.255.0", "no prefix length: 'daddr/255.0.255.0'"),
        ("daddr/255.0", "no prefix length: 'daddr/255.0'"),
        ("proto/8", "key 'proto' takes no prefix length: 'proto/8'"),
    ],
)
def test_a_word_that_is_no_key_is_named(word: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Aggregation(["proto", word])
    assert message in str(caught.value)


def test_none_wins_over_other_keys() -> None:
    assert parse_keys(["saddr", "none"]).alone


def test_protocols_stay_apart_that_were_merged_over_both_versions_of_ip() -> None:
    records = records_like(4)
    records["ethertype"], records["protocol"], records["src_packets"] = [IPV4, IPV6] * 2, [6, 6, 17, 17], [1, 2, 3, 4]
    once = aggregated(FlowBatch(records), ["proto"])
    assert once.records["ethertype"].tolist() == [0, 0]
    assert aggregated(once, ["proto"]).records["src_packets"].tolist() == [3, 7]
