from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.anonymization import AnonymizationSettings, Anonymizer, read_settings
from processors.anonymization.addresses import AddressMap
from tests.random_batches import random_batch
from tests.topics.filter_texts import flows
from topics.errors import SettingsError
from topics.expression.networks import sixteen

KEY = b"k" * 32
ADDRESSES = AddressMap(KEY, multicast=True, broadcast=True, vendor=True)


def shared_bits(one: bytes, two: bytes) -> int:
    different = int.from_bytes(one, "big") ^ int.from_bytes(two, "big")
    return 128 - different.bit_length()


def packed(text: str) -> bytes:
    return sixteen(ip_address(text).packed)


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))
def test_networks_stay_networks(one: bytes, two: bytes) -> None:
    if one[0] >= 224 or two[0] >= 224 or not any(one) or not any(two):
        return
    old, new = (sixteen(one), sixteen(two)), [ADDRESSES.ip(sixteen(each)) for each in (one, two)]
    assert shared_bits(*new) == shared_bits(*old)
    assert not ip_address(new[0][12:]).is_multicast


@pytest.mark.parametrize("text", ["0.0.0.0", "224.0.0.251", "255.255.255.255", "::", "ff02::fb"])
def test_what_is_nobody_stays(text: str) -> None:
    assert ADDRESSES.ip(packed(text)) == packed(text)


def test_ipv6_networks_stay_networks() -> None:
    one, two = packed("2001:db8:1::1"), packed("2001:db8:1::2")
    new = [ADDRESSES.ip(each) for each in (one, two)]
    assert shared_bits(*new) == shared_bits(one, two)
    assert new[0] != one


def test_vendors_of_macs_stay_and_groups_too() -> None:
    assert ADDRESSES.mac(b"\x02\x00\xaa\x01\x02\x03")[:3] == b"\x02\x00\xaa"
    assert ADDRESSES.mac(b"\x02\x00\xaa\x01\x02\x03") != b"\x02\x00\xaa\x01\x02\x03"
    assert ADDRESSES.mac(b"\x01\x00\x5e\x00\x00\xfb") == b"\x01\x00\x5e\x00\x00\xfb"
    bare = AddressMap(KEY, multicast=True, broadcast=True, vendor=False)
    assert bare.mac(b"\x02\x00\xaa\x01\x02\x03")[:3] != b"\x02\x00\xaa"
    assert bare.mac(b"\x02\x00\xaa\x01\x02\x03")[0] & 3 == 2


def test_the_key_decides() -> None:
    batch = flows(50, seed=1)
    one, again = (Anonymizer(AnonymizationSettings(key=KEY)).anonymized(batch) for _ in range(2))
    other = Anonymizer(AnonymizationSettings(key=b"other")).anonymized(batch)
    assert (one.records == again.records).all()
    assert (one.records["src_address"] != other.records["src_address"]).any()


def test_counters_and_lengths_stay_while_who_and_when_change() -> None:
    batch = flows(200, seed=2)
    done = Anonymizer(AnonymizationSettings(key=KEY)).anonymized(batch)
    for name in ("src_packets", "dst_bytes", "protocol", "tcp_state", "src_ttl"):
        assert (done.records[name] == batch.records[name]).all()
    sent = (batch.records["src_first"] > 0) & (batch.records["src_last"] > 0)
    length = batch.records["src_last"] - batch.records["src_first"]
    assert ((done.records["src_last"] - done.records["src_first"]) == length)[sent].all()
    assert (done.records["src_first"] != batch.records["src_first"])[sent].any()
    assert not done.records["labels_length"].any()
    assert {each.probe for each in done.observers.values()}.isdisjoint({"tap", "Edge"})
    ports = np.isin(batch.records["protocol"], (6, 17)) & (batch.records["src_port"] < 1024)
    assert (done.records["src_port"] == batch.records["src_port"])[ports].all()


@pytest.mark.parametrize("seed", range(3))
def test_no_record_is_too_strange(seed: int) -> None:
    batch = random_batch(seed, 50)
    assert len(Anonymizer(AnonymizationSettings(key=KEY)).anonymized(batch)) == 50


def test_settings_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ranonymize.conf"
    path.write_text('# ours\nRANON_PRESERVE_PORT_NUM=yes // all\nRANON_TIME_SEC_OFFSET="fixed:10"\nRANON_SEED=7\n')
    assert read_settings(str(path), AnonymizationSettings()) == AnonymizationSettings(
        key=b"7", preserve_ports=True, time_offset=10_000_000_000
    )
    path.write_text("RANON_PRESERVE_PORT_NUMS=yes\n")
    with pytest.raises(SettingsError, match="line 1: unknown variable 'RANON_PRESERVE_PORT_NUMS'; did you mean"):
        read_settings(str(path), AnonymizationSettings())
    path.write_text("\nRANON_PRESERVE_PORT_NUM=perhaps\n")
    with pytest.raises(SettingsError, match="line 2: RANON_PRESERVE_PORT_NUM cannot be 'perhaps'"):
        read_settings(str(path), AnonymizationSettings())
