"""Lines written by kernels are, byte for byte, those that are made of texts."""

import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.listing import lines, rows, texts
from clients.listing.lines import Listing, joined
from clients.listing.texts import deciding
from clients.reading.sources import to_frame
from tests.topics.batches import random_batch
from tests.topics.filter_texts import flows
from topics.batch import FlowBatch
from topics.fields import Field, Style, fields
from topics.fields.absent import FIELDS as ABSENT

CLOCKED = {"idle"}  # of which the time of asking decides
STYLES = (
    Style(),
    Style(epoch=True, port_names=False, precision=0),
    Style(protocol_names=False, tcp_state="both", abbreviate=2, payload="hex", precision=9),
    Style(tcp_state="letters", payload="encode64", epoch=True, precision=9),
    Style(tcp_state="source", epoch=True, port_names=False, precision=3),
)


def batches(seed: int) -> FlowBatch:
    """Flows as they are, or values over the whole width of every field."""
    return flows(60, seed=seed) if seed % 2 else random_batch(seed, 40)


def framed(seed: int) -> pl.DataFrame:
    """Return records, some of them twice, as a listing gets them."""
    frame = to_frame(batches(seed))
    frame = pl.concat([frame, frame.head(20)])
    return frame.with_columns(pl.int_range(1, frame.height + 1).alias("rank"), pl.lit(10**18).alias("origin"))


def printable(frame: pl.DataFrame) -> list[Field]:
    absent = {field.name for field in ABSENT}
    known = [field for name, field in fields().items() if name not in CLOCKED | absent]
    return [field for field in known if set(field.text(Style()).meta.root_names()) <= set(frame.columns)]


def written(listing: Listing, frames: list[pl.DataFrame]) -> bytes:
    return b"".join(bytes(block) for frame in frames for block in listing.blocks(frame))


@pytest.fixture(autouse=True)
def kernels_for_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MANY", 1)
    monkeypatch.setattr(lines, "SOME", 1)
    monkeypatch.setattr(rows, "STEP", 32)  # so that texts are used again in a later piece
    monkeypatch.setattr(rows, "OUTPUT", 2048)


@pytest.mark.parametrize(("style", "delimiter"), list(zip(STYLES, [",", "", "\t", "", ","], strict=True)))
def test_every_field_is_written_as_its_text(style: Style, delimiter: str) -> None:
    frames = [framed(seed) for seed in (7, 8, 7)]
    columns = printable(frames[0])
    plain = Listing(columns, style, delimiter)
    made = written(Listing(columns, style, delimiter), frames).split(b"\n")
    for line, expected in zip(made, b"".join(joined(plain.lines(each)) for each in frames).split(b"\n"), strict=True):
        assert line == expected


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_any_fields_of_any_width_in_any_order(data: st.DataObject) -> None:
    frames = [framed(seed) for seed in data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=2))]
    chosen = data.draw(st.lists(st.sampled_from(printable(frames[0])), min_size=1, max_size=6))
    columns = [field.with_width(data.draw(st.integers(1, 30))) for field in chosen]
    style, delimiter = data.draw(st.sampled_from(STYLES)), data.draw(st.sampled_from(["", ",", "|"]))
    plain = Listing(columns, style, delimiter)
    expected = b"".join(joined(plain.lines(frame)) for frame in frames)
    assert written(Listing(columns, style, delimiter), frames) == expected


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
def test_values_at_the_ends_of_their_types_are_written_as_their_texts(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    frame = framed(7)
    ends = [at_its_ends(column) for column in frame if column.dtype.is_integer() or column.dtype.is_temporal()]
    names = ("stime", "sltime", "dur", "sdur", "pkts", "dpkts", "bytes", "trans", "sloss", "retrans", "sintpkt")
    columns = [fields()[name] for name in names]
    for style, delimiter in ((Style(precision=9), "|"), (Style(epoch=True), ""), (Style(precision=4), "→")):
        listing, plain = Listing(columns, style, delimiter), Listing(columns, style, delimiter)
        extreme = frame.with_columns(ends)
        expected = joined(plain.lines(extreme)) + joined(plain.lines(frame))
        assert written(listing, [extreme, frame]).decode().splitlines() == expected.decode().splitlines()
    monkeypatch.undo()
    time.tzset()


def at_its_ends(column: pl.Series) -> pl.Series:
    """Return the least and the greatest values that a column can have, and those next to them, one after the other."""
    numbers = column.to_physical()
    ends = np.iinfo(numbers.clear().to_numpy().dtype)
    values = pl.Series(column.name, [ends.min, ends.max, 0, ends.min + 1, ends.max - 1, 1], numbers.dtype)
    return values[[row % len(values) for row in range(len(column))]].cast(column.dtype)


def test_what_is_the_same_for_all_records_is_written_for_each() -> None:
    frame = framed(7)
    columns = [fields()["type"]]
    assert written(Listing(columns, Style(), ","), [frame]) == b"flow\n" * frame.height
    assert joined(Listing(columns, Style(), "").lines(frame)) == b"flow\n" * frame.height
    assert Listing(columns, Style(), ",").needed


def test_of_usual_fields_every_text_is_made_once_only() -> None:
    names = ("proto", "saddr", "sport", "dir", "daddr", "dport", "state", "flgs", "srcid", "smac", "dtos", "cause")
    assert [name for name in names if deciding(fields()[name], Style()) is None] == []


def test_texts_are_forgotten_before_they_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MOST", 64)
    frames = [framed(seed) for seed in (1, 2, 3, 4)]
    columns = [fields()[name] for name in ("saddr", "sport", "state", "flgs")]
    listing, plain = Listing(columns, Style(), ","), Listing(columns, Style(), ",")
    assert written(listing, frames) == b"".join(joined(plain.lines(frame)) for frame in frames)


def test_frames_with_columns_of_other_kinds_are_written_too() -> None:
    frame = framed(7)
    other = frame.with_columns(pl.col("protocol").cast(pl.UInt16), pl.lit(None, pl.UInt16).alias("src_port"))
    columns = [fields()[name] for name in ("proto", "saddr", "sport", "pkts")]
    listing, plain = Listing(columns, Style(), ","), Listing(columns, Style(), ",")
    assert written(listing, [frame, other, frame]) == b"".join(
        joined(plain.lines(each)) for each in (frame, other, frame)
    )


def test_columns_cut_differently_are_written_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "AT_ONCE", 48)
    whole = pl.concat([framed(seed) for seed in (7, 8, 1, 9)], rechunk=False)
    frame = whole.with_columns(whole["protocol"].rechunk(), whole["src_packets"].rechunk())
    assert frame["protocol"].n_chunks() == 1 < frame["dst_packets"].n_chunks()
    names = ("stime", "dur", "proto", "saddr", "sport", "daddr", "dport", "state", "flgs", "spkts", "sttl", "suser")
    columns = [fields()[name] for name in names]
    for style, delimiter in ((Style(epoch=True, port_names=False), ","), (Style(), "")):
        listing, plain = Listing(columns, style, delimiter), Listing(columns, style, delimiter)
        assert written(listing, [frame, framed(7), frame]) == b"".join(
            joined(plain.lines(each)) for each in (frame, framed(7), frame)
        )


def test_a_pattern_is_written_too() -> None:
    frame = framed(7)
    columns = [fields()["dur"].with_pattern("%.2f"), fields()["stime"].with_pattern("%Y-%m-%d %T.%f")]
    listing, plain = Listing(columns, Style(), ","), Listing(columns, Style(), ",")
    assert written(listing, [frame]) == joined(plain.lines(frame))
