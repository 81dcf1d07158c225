from ipaddress import IPv4Address, IPv6Address

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from topics.address_columns import address_column, ip_column, mac_column
from topics.address_text import IPV4_MAPPED, ip_text

SPARSE = st.lists(st.sampled_from([b"\0\0", b"\0\1", b"\x20\x01", b"\xff\xff"]), min_size=8, max_size=8).map(b"".join)


@given(st.one_of(SPARSE, st.binary(min_size=16, max_size=16)))
def test_ipv6_is_written_shortest_and_means_the_same_address(address: bytes) -> None:
    text = ip_text(address)
    if address.startswith(IPV4_MAPPED):
        assert text == str(IPv4Address(address[12:]))
    else:
        assert IPv6Address(text).packed == address
        assert text == str(IPv6Address(address)) or "." in text


def column(values: list[bytes | None]) -> pl.DataFrame:
    return pl.DataFrame({"value": values}, schema={"value": pl.Binary})


def test_columns_keep_order_repetitions_and_nulls() -> None:
    one, two = IPV4_MAPPED + bytes([192, 0, 2, 1]), bytes(15) + b"\1"
    found = column([two, one, None, two]).select(ip_column(pl.col("value")))["value"].to_list()
    assert found == ["::1", "192.0.2.1", None, "::1"]
    macs = column([b"\2\0\0\0\0\1", bytes(10) + b"\2\0\0\0\0\1", None]).select(mac_column(pl.col("value")))
    assert macs["value"].to_list() == ["02:00:00:00:00:01", "02:00:00:00:00:01", None]
    assert column([]).select(ip_column(pl.col("value")))["value"].to_list() == []


def test_flows_that_are_not_ip_show_macs_even_where_they_look_mapped() -> None:
    looks_mapped = IPV4_MAPPED + bytes([1, 2, 3, 4])
    flows = column([looks_mapped] * 4).with_columns(
        ethertype=pl.Series([0x0800, 0x0806, 0x88CC, 0x86DD], dtype=pl.UInt16)
    )
    found = flows.select(address_column(pl.col("value"), pl.col("ethertype")))["value"].to_list()
    assert found == ["1.2.3.4", "1.2.3.4", "ff:ff:01:02:03:04", "1.2.3.4"]
