"""Batches without copies, summed up by a kernel: the same as record by record."""

from __future__ import annotations

import numpy as np
import pytest

from processors.spans.plain import PERIODS, plain_packets
from processors.spans.sums import Place
from topics.batch import Records, records_like

PERIOD = 10


def plain(count: int = 300) -> Records:
    random = np.random.default_rng(1)
    records = records_like(count)
    records["observer"] = 5
    records["src_last"], records["dst_last"] = random.integers(100, 400, (2, count))
    records["src_packets"], records["dst_packets"] = random.integers(0, 9, (2, count))
    records["src_vlan"] = np.where(records["src_packets"] > 0, 0x2003, 9)  # priority bits are not the VLAN
    records["dst_vlan"] = np.where(records["dst_packets"] > 0, 3, 0)
    return records


def test_packets_are_summed_up_by_period_late_ones_in_the_first() -> None:
    records = plain()
    records["src_packets"][records["dst_last"] // PERIOD == 30] = 0
    found = plain_packets(records, PERIOD, 12)
    last = np.maximum(records["src_last"], records["dst_last"])
    number = np.maximum(last // PERIOD, 12)
    packets = records["src_packets"] + records["dst_packets"]
    assert found is not None
    assert found.packets == {each: int(packets[number == each].sum()) for each in sorted(set(number.tolist()))}
    assert (found.place, found.newest) == (Place(5, 3), int(last.max()))


def test_a_period_without_packets_counts_as_one() -> None:
    records = plain()
    records["src_packets"] = records["dst_packets"] = 0
    found = plain_packets(records, PERIOD, 0)
    assert found is not None
    assert set(found.packets.values()) == {0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("observer", 6),
        ("src_duplicate_packets", 1),
        ("dst_duplicate_packets", 1),
        ("src_vlan", 4),
        ("dst_vlan", 4),
        ("src_last", PERIODS * 100 * PERIOD),
    ],
)
def test_what_is_not_plain_is_left_to_others(name: str, value: int) -> None:
    records = plain()
    records["src_packets"][200] = records["dst_packets"][200] = 1
    records[name][200] = value
    assert plain_packets(records, PERIOD, 0) is None
