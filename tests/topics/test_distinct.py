"""What is worked out once for rows that are alike is what each row by itself would have given."""

import numpy as np
import polars as pl
import pytest

from clients.listing.lines import Listing
from tests.topics.filter_texts import flows
from topics import distinct
from topics.fields import Style, fields
from topics.frame import to_arrow

random = np.random.default_rng(5)


def picked(values: list[object], kind: type[pl.DataType]) -> pl.Series:
    return pl.Series([values[place] for place in random.integers(0, len(values), 500)], dtype=kind)


COLUMNS = {
    "small": picked([1, 2, 255], pl.UInt8),
    "far": picked([-(2**62), 0, 7, 2**62], pl.Int64),
    "near": picked([2**60, 2**60 + 1], pl.Int64),
    "unsigned": picked([0, 2**64 - 1], pl.UInt64),
    "null": picked([None, 3], pl.Int64),
    "flag": picked([True, False], pl.Boolean),
    "real": picked([0.5, -0.5, float("nan")], pl.Float64),
    "address": picked([bytes(16), b"\1" * 16, bytes(8) + b"\2" * 8], pl.Binary),
    "octets": picked([b"", b"ab", bytes(16)], pl.Binary),
    "word": picked(["", "a", None], pl.String),
    "kind": picked(["a", "b"], pl.Categorical),
    "same": picked([9], pl.UInt16),
}


@pytest.mark.parametrize("names", [[name] for name in COLUMNS] + [list(COLUMNS), ["far", "far", "unsigned", "far"]])
def test_rows_alike_have_one_number_and_first_row(names: list[str]) -> None:
    columns = [COLUMNS[name].alias(str(place)) for place, name in enumerate(names)]
    frame = pl.DataFrame(columns)
    places, first = distinct.every_row_alike(columns)
    assert len(first) == frame.n_unique()
    assert frame[first][places].equals(frame)
    assert [places.tolist().index(place) for place in range(len(first))] == first.tolist()
    assert distinct.rows_alike(columns, len(first) - 1) is None


FRAME = pl.concat([pl.DataFrame(to_arrow(flows(60, seed=7)))] * 4)
STYLES = (
    Style(),
    Style(epoch=True, port_names=False, precision=0),
    Style(protocol_names=False, tcp_state="both", abbreviate=2, payload="hex"),
    Style(tcp_state="letters", payload="encode64", epoch=True),
)


@pytest.mark.parametrize("style", STYLES)
def test_a_listing_is_the_same_however_it_is_worked_out(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: field for name, field in fields().items() if name != "idle"}  # which the clock tells
    chosen = [f for f in known.values() if set(f.text(style).meta.root_names()) <= set(FRAME.columns)]
    aligned, delimited = Listing(chosen, style), Listing(chosen, style, ",")
    alone = aligned.lines(FRAME).to_list()
    monkeypatch.setattr(distinct, "FEW", 1)
    monkeypatch.setattr(distinct, "WORTH", 1)
    assert aligned.lines(FRAME).to_list() == alone
    assert delimited.block(FRAME).decode() == "\n".join([*delimited.lines(FRAME), ""])
