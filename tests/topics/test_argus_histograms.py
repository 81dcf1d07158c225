"""Histograms in records of Argus: as ra prints them of what we write, and as we read them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from tests.argus_records import argus_tools, run_ra
from tests.topics.test_argus import COUNTS as PACKETS
from tests.topics.test_argus import KEY, TIME, decoded, part, record
from topics.argus.encoder import ArgusEncoder, first_record
from topics.batch import FlowBatch, Observer, records_like
from topics.fields import Style, field
from topics.frame import to_arrow
from topics.histograms import ACTIVE, IDLE, SIZES, VECTOR_BYTES, counts_of

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = ("spktsz", "dpktsz", "sintdist", "dintdist", "sintdistact", "dintdistact", "sintdistidl", "dintdistidl")
SMALL = (3, 0, 1, 15, 0, 0, 0, 2), (1, 2, 3, 4, 5, 6, 7, 0), (0, 1, 0, 0, 0, 0, 0, 8)
LARGE = (70_000, 1, 0, 0, 0, 0, 0, 35_000), (1000, 0, 0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0, 2**32 - 1, 16)
VALUE = struct.pack(">iffff", 1, 5.0, 5.0, 0.0, 5.0)


def vector(counts: tuple[tuple[int, ...], ...]) -> bytes:
    return struct.pack("<24I", *(count for histogram in counts for count in histogram))


def counted(src: bytes, dst: bytes) -> FlowBatch:
    """One record with these histograms."""
    records = records_like(1)
    observer = Observer("", "10.1.2.3", "")
    records["observer"], records["ethertype"], records["protocol"] = observer.id, 0x0800, 17
    for side in ("src", "dst"):
        records[f"{side}_address"][0, 10:] = [255, 255, 10, 0, 0, 1 if side == "src" else 2]
        records[f"{side}_first"] = 1_700_000_000_000_000_000
        records[f"{side}_last"] = 1_700_000_009_000_000_000
        for name in ("packets", "bytes", "size_min", "size_max", "interval_count", "idle_interval_count"):
            records[f"{side}_{name}"] = 100
    records["src_histograms_length"], records["dst_histograms_length"] = len(src), len(dst)
    records["dst_histograms_offset"] = len(src)
    return FlowBatch(records, np.frombuffer(src + dst, np.uint8), observers={observer.id: observer})


def printed(batch: FlowBatch, *, width: int = 8) -> list[str | None]:
    frame = pl.DataFrame(to_arrow(batch))
    return [frame.select(field(name).with_width(width).text(Style())).to_series()[0] for name in FIELDS]


def encoded(batch: FlowBatch) -> bytes:
    return first_record(batch) + ArgusEncoder().encode(batch)


def test_ra_prints_of_what_we_write_what_we_print(tmp_path: Path) -> None:
    argus_tools()
    batch, path = counted(vector(SMALL), vector(LARGE)), tmp_path / "counted.argus"
    path.write_bytes(encoded(batch))
    theirs = run_ra(path, "-L", "-1", "-c", ",", "-s", *FIELDS, "smaxsz", "dmaxsz", "sintpkt").strip().split(",")
    again = decoded(path.read_bytes())
    assert theirs[:-3] == printed(again)
    assert theirs[-3:-1] == ["100", "100"], "what lies behind is still read"
    apart = [name for name in FIELDS if name not in {"sintdist", "dintdist"}]
    assert [theirs[FIELDS.index(name)] for name in apart] == [printed(batch)[FIELDS.index(name)] for name in apart]


def test_digits_are_the_counts_or_scaled_to_fit() -> None:
    batch = counted(vector(SMALL), vector(LARGE))
    assert printed(batch) == [
        *("301f0002", "f1000007"),
        *("13345678", "100000f1"),  # sums of active and idle
        *("12345670", "f0000001"),
        *("01000008", "000000f1"),
    ]
    assert printed(batch, width=16)[0] == "0300010f00000002"
    assert printed(batch, width=16)[1] == "ff0100000000007f"


def test_what_was_not_counted_is_blank() -> None:
    nothing = counted(b"", bytes(VECTOR_BYTES))
    assert printed(nothing) == [None] * len(FIELDS)
    assert decoded(encoded(nothing)).records["dst_histograms_length"] == 0


def test_histograms_are_read_as_argus_has_them() -> None:
    sizes = part(
        0x12, 7, 2, struct.pack(">4H", 60, 1500, 60, 60) + bytes.fromhex("301f0002") + bytes.fromhex("10000000")
    )
    times = part(0x46, 1, 0b1001, VALUE + bytes.fromhex("78563412") + VALUE + bytes.fromhex("0f000000"))
    batch = decoded(record(3, KEY, TIME, PACKETS, sizes, times))
    src, dst = batch.heap_value(0, "src_histograms"), batch.heap_value(0, "dst_histograms")
    assert counts_of(src, SIZES) == [3, 0, 1, 15, 0, 0, 0, 2]
    assert counts_of(dst, SIZES) == [1, 0, 0, 0, 0, 0, 0, 0]
    assert counts_of(src, ACTIVE) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert counts_of(dst, IDLE) == [0, 0, 0, 0, 0, 0, 0, 15]
    assert batch.records["dst_idle_interval_count"][0] == 1


@pytest.mark.parametrize("qualifier", range(16))
@pytest.mark.parametrize("sub", [1, 4, 7, 0xFF])
def test_histograms_that_are_cut_short_are_left_out(sub: int, qualifier: int) -> None:
    for words in range(6):
        parts = [part(kind, sub, qualifier, b"\xff" * 4 * words) for kind in (0x12, 0x46)]
        batch = decoded(record(5, KEY, TIME, PACKETS, *parts))
        lengths = {int(batch.records[f"{side}_histograms_length"][0]) for side in ("src", "dst")}
        assert lengths <= {0, VECTOR_BYTES}
