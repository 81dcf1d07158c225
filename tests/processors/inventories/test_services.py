"""Services are the same however records were cut, and are those that rows added up one by one would give."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.inventories import services
from processors.inventories.tally import Tally
from topics.frame import ARROW_SCHEMA

END = st.integers(0, 3).map(lambda number: bytes(10) + b"\xff\xff\n\0\0" + bytes([number]))
RECORD = st.tuples(
    END, END, st.sampled_from([6, 17]), st.integers(65530, 65535), st.sampled_from([0, 80, 65535]), st.integers(0, 2)
)


def records(rows: list[tuple[bytes, bytes, int, int, int, int]]) -> pl.DataFrame:
    """Records of IPv4, of which all that is not given is nothing."""
    empty = pl.DataFrame(ARROW_SCHEMA.empty_table()).select(sorted(services.columns()))
    names = ("src_address", "dst_address", "protocol", "src_port", "dst_port", "dst_packets")
    given_ = pl.DataFrame(rows, schema=dict.fromkeys(names), orient="row") if rows else empty.select(names)
    moments = pl.Series(range(len(rows)), dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    told = {name: pl.lit(0) for name in empty.columns} | {name: pl.col(name) for name in names}
    told |= {"ethertype": pl.lit(0x0800), "src_packets": pl.lit(1), "dst_app_bytes": pl.col("dst_packets")}
    told |= {f"{side}_{end}": pl.lit(moments) for side in ("src", "dst") for end in ("first", "last")}
    told["tcp_state"] = pl.lit(1)  # so that the lower port is not the server's
    filled = given_.select(told[name].cast(kind).alias(name) for name, kind in empty.schema.items())
    return filled.with_columns(pl.lit(None, pl.Datetime("ns", "UTC")).alias("dst_last"))


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(RECORD, max_size=30), cuts=st.integers(1, 7), of_clients=st.booleans())
def test_services_are_the_same_however_records_are_cut(
    rows: list[tuple[bytes, bytes, int, int, int, int]], cuts: int, of_clients: bool
) -> None:
    whole = records(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "SOME", 4)
        pieces = [whole.slice(start, cuts).lazy() for start in range(0, max(1, len(rows)), cuts)]
        found = services.services(pieces, of_clients=of_clients)
    ours, theirs = ("src", "dst") if of_clients else ("dst", "src")
    key = [pl.col(f"{ours}_address").alias("host"), pl.col("protocol"), pl.col(f"{ours}_port").alias("port")]
    expected = whole.group_by(key).agg(
        pl.col(f"{theirs}_address").n_unique().cast(pl.Int64).alias("clients"),
        pl.len().cast(pl.Int64).alias("records"),
        (pl.col("dst_packets") > 0).sum().cast(pl.Int64).alias("answered"),
        pl.lit(0, pl.Int64).alias("refused"),
        (pl.col("dst_packets") + 1).sum().alias("packets"),
        pl.lit(0, pl.Int64).alias("bytes"),
        pl.col("src_first").min().alias("first"),
        pl.col("src_last").max().alias("last"),
    )
    assert found.drop("state").equals(expected.sort("host", "protocol", "port"))
    assert services.by_host(found)["count"].sum() == found.height


def test_a_number_of_which_nothing_is_known_has_no_time() -> None:
    tally = Tally({"count": "sum", "first": "min", "last": "max"})
    times = pl.Series([None, 5, 3], dtype=pl.Datetime("ns", "UTC"))
    rows = pl.DataFrame({"count": [1, 2, 3], "first": times, "last": times})
    tally.add(pl.Series([2, 0, 0]).to_numpy(), rows)
    assert tally.frame().rows() == [(5, 3, 5), (0, None, None), (1, None, None)]
