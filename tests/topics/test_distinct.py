"""What is worked out once for rows that are alike is what each row by itself would have given."""

import numpy as np
import polars as pl
import pytest

from clients.listing import alike
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
@pytest.mark.parametrize("few", [0, distinct.FEW])
def test_rows_alike_have_one_number_and_first_row(names: list[str], few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "FEW", few)
    columns = [COLUMNS[name].alias(str(place)) for place, name in enumerate(names)]
    frame = pl.DataFrame(columns)
    places, first = distinct.every_row_alike(columns)
    assert len(first) == frame.n_unique()
    assert frame[first][places].equals(frame)
    assert [places.tolist().index(place) for place in range(len(first))] == first.tolist()
    assert distinct.rows_alike(columns, len(first) - 1) is None


def test_rows_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [COLUMNS[name].alias(name) for name in ("far", "null", "real", "address", "word")]
    monkeypatch.setattr(distinct, "FEW", 0)
    places, first = distinct.every_row_alike(columns)
    monkeypatch.setattr(
        pl.DataFrame, "hash_rows", lambda frame: pl.repeat(7, frame.height, dtype=pl.UInt64, eager=True)
    )
    again, once = distinct.every_row_alike(columns)
    assert (again.tolist(), once.tolist()) == (places.tolist(), first.tolist())
    assert distinct.rows_alike(columns, len(first) - 1) is None


FRAME = pl.concat([pl.DataFrame(to_arrow(flows(60, seed=7)))] * 4)
STYLES = (
    Style(),
    Style(epoch=True, port_names=False, precision=0),
    Style(protocol_names=False, tcp_state="both", abbreviate=2, payload="hex"),
    Style(tcp_state="letters", payload="encode64", epoch=True),
)


def written(listing: Listing | alike.Alike, frame: pl.DataFrame) -> bytes:
    return b"".join(bytes(block) for block in listing.blocks(frame))


@pytest.mark.parametrize("style", STYLES)
def test_a_listing_is_the_same_however_it_is_worked_out(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: field for name, field in fields().items() if name != "idle"}  # which the clock tells
    chosen = [f for f in known.values() if set(f.text(style).meta.root_names()) <= set(FRAME.columns)]
    aligned, delimited = Listing(chosen, style), Listing(chosen, style, ",")
    alone = aligned.lines(FRAME).to_list()
    monkeypatch.setattr(distinct, "FEW", 1)
    monkeypatch.setattr(distinct, "WORTH", 1)
    assert aligned.lines(FRAME).to_list() == alone
    assert written(delimited, FRAME).decode() == "\n".join([*delimited.lines(FRAME), ""])


@pytest.mark.parametrize(("shown", "most"), [(("proto", "saddr", "dport"), 60), (("rank", "stime", "saddr"), 960)])
@pytest.mark.parametrize("delimiter", ["", ","])
def test_lines_that_come_again_are_made_once(
    shown: tuple[str, ...], most: int, delimiter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.concat([FRAME] * 4).with_row_index("rank")
    listing = Listing([fields()[name] for name in shown], Style(), delimiter)
    expected = [written(listing, each) for each in (frame, frame[::-1])]
    for module in (alike, distinct):
        monkeypatch.setattr(module, "FEW", 1)
    monkeypatch.setattr(alike, "LOOKED_AT", 480)
    made = set[int]()

    def seen(some: pl.DataFrame) -> pl.DataFrame:
        made.add(some.height)
        return some

    def noted(method: str) -> None:
        work = getattr(Listing, method)
        monkeypatch.setattr(Listing, method, lambda self, some: work(self, seen(some)))

    noted("lines")
    noted("blocks")
    once = alike.Alike(listing)
    assert [written(once, each) for each in (frame, frame[::-1])] == expected
    assert max(made) <= most
