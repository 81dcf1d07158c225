"""Ranges of addresses and numbers."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.inventories.series import address_ranges, number_ranges
from tests.clients.inventories.flows import packed


def test_what_follows_one_upon_the_other_is_a_range_within_a_host_and_a_family() -> None:
    peers = {
        "a": ["10.0.0.3", "10.0.0.1", "10.0.0.2", "10.0.0.9"],
        "b": ["10.0.0.10", "10.0.0.11", "::1", "::2", "::4"],
    }
    rows = [{"host": host, "peer": bytes(packed(peer))} for host, known in peers.items() for peer in known]
    found = address_ranges(pl.DataFrame(rows), ["host"], "peer")
    assert found.rows() == [
        ("a", 4, "10.0.0.1 - 10.0.0.3, 10.0.0.9"),
        ("b", 5, "::1 - ::2, ::4, 10.0.0.10 - 10.0.0.11"),
    ]


def test_addresses_follow_each_other_across_octets() -> None:
    rows = [{"host": 1, "peer": bytes(packed(peer))} for peer in ("10.0.0.255", "10.0.1.0", "2001::ffff", "2001::1:0")]
    (only,) = address_ranges(pl.DataFrame(rows), ["host"], "peer").rows()
    assert only == (1, 4, "10.0.0.255 - 10.0.1.0, 2001::ffff - 2001::1:0")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=1, max_size=40))
def test_ranges_say_the_numbers_that_there_are(rows: list[tuple[int, int]]) -> None:
    frame = pl.DataFrame(rows, schema={"host": pl.Int64, "port": pl.UInt16}, orient="row")
    for host, count, ranges in number_ranges(frame, ["host"], "port").iter_rows():
        ends = [part.split(" - ") for part in ranges.split(", ")]
        said = [number for end in ends for number in range(int(end[0]), int(end[-1]) + 1)]
        assert said == sorted({port for of, port in rows if of == host})
        assert count == len(said)
