"""Numbers and addresses as people write lists of them: what follows one upon the other as a range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from topics.address_columns import ip_column

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = 2  # of 8 octets in an address


def address_ranges(rows: pl.DataFrame, by: Sequence[str], address: str) -> pl.DataFrame:
    """Return for each distinct `by` its number of distinct addresses (`count`) and their list (`ranges`).

    `address` is a column of 16 bytes. The rows may be in any order; the result is in the order of `by`.
    """
    distinct = rows.select(*by, address).unique().sort(*by, address)
    words = np.frombuffer(b"".join(distinct[address].to_list()), ">u8").reshape(-1, WORDS)
    high, low = words[:, 0], words[:, 1]
    follows = np.zeros(len(words), np.bool_)
    follows[1:] = (high[1:] == high[:-1]) & (low[1:] == low[:-1] + np.uint64(1))
    return _listed(distinct, by, pl.Series(follows), ip_column(pl.col(address)))


def number_ranges(rows: pl.DataFrame, by: Sequence[str], number: str) -> pl.DataFrame:
    """Return for each distinct `by` its number of distinct numbers (`count`) and their list (`ranges`)."""
    return ordered_ranges(rows.select(*by, number).unique().sort(*by, number), by, number)


def ordered_ranges(rows: pl.DataFrame, by: Sequence[str], number: str) -> pl.DataFrame:
    """Return what `number_ranges` does, of rows that are in order of `by` and the number already, and different."""
    distinct = rows.select(*by, pl.col(number).cast(pl.Int64))
    follows = distinct.select((pl.col(number).diff() == 1).fill_null(value=False)).to_series()
    return _listed(distinct, by, follows, pl.col(number).cast(pl.String))


def _listed(distinct: pl.DataFrame, by: Sequence[str], follows: pl.Series, text: pl.Expr) -> pl.DataFrame:
    """Write sorted rows, of which it is known which follow upon the one before, as ranges."""
    same = distinct.select(pl.struct(by).rle_id().diff().fill_null(1) == 0).to_series()
    starts = ~(same & follows)
    numbered = distinct.with_columns(starts.cum_sum().alias("span"))
    last = ~starts.shift(-1, fill_value=True)
    edges = numbered.filter(starts | ~last).with_columns(text.alias("text"))
    sizes = numbered.group_by("span", maintain_order=True).agg(pl.col(list(by)).first(), pl.len().alias("count"))
    ends = edges.group_by("span", maintain_order=True).agg(
        pl.col("text").first().alias("from"), pl.col("text").last().alias("to")
    )
    span = pl.when(pl.col("count") == 1).then("from").otherwise(pl.concat_str("from", pl.lit(" - "), "to"))
    spans = pl.concat([sizes, ends.drop("span")], how="horizontal").with_columns(span.alias("ranges"))
    counted = pl.col("count").cast(pl.Int64).sum()
    return spans.group_by(by, maintain_order=True).agg(counted, pl.col("ranges").str.join(", "))
