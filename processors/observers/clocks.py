"""How far the clocks of observation points are apart, from packets that both saw going to and fro.

A packet reaches the far point later than the near one by its delay, an answer earlier by the same: half the sum of the
differences is that of the clocks, as NTP has it (RFC 5905), half their difference the delay.
"""

from __future__ import annotations

import polars as pl

PERIOD = 60_000_000_000  # ns that share an estimate: clocks drift
LEAST = 8  # samples an estimate takes, or that of the whole time counts
PAIR = ("one", "other")
SCHEMA = {"one": pl.Int64, "other": pl.Int64, "period": pl.Int64, "sample": pl.Int64}
KEPT = 512  # samples of each pair that are remembered from one call to the next


class Clocks:
    """Learns from every call, and answers by the medians of what was seen at about the same time."""

    def __init__(self) -> None:
        self._kept = pl.DataFrame(schema=SCHEMA)

    def offsets(self, pairs: pl.DataFrame) -> pl.Series:
        """Return by how much the clock of `other` is ahead of that of `one`, ns; null where nothing tells.

        `pairs` has columns `one`, `other` (observers), `time` and `sample` (ns), which is null where a pair of flows
        does not show the same packets in both directions.
        """
        swapped = pl.col("one") > pl.col("other")
        ordered = pairs.select(
            pl.min_horizontal(PAIR).alias("one"),
            pl.max_horizontal(PAIR).alias("other"),
            (pl.col("time") // PERIOD).alias("period"),
            pl.when(swapped).then(-pl.col("sample")).otherwise(pl.col("sample")).alias("sample"),
        )
        samples = pl.concat([self._kept, ordered.filter(pl.col("sample").is_not_null())])
        self._kept = samples.filter(pl.int_range(pl.len()).reverse().over(PAIR) < KEPT)
        median = pl.col("sample").median().round().cast(pl.Int64)
        lately = samples.group_by(*PAIR, "period").agg(median.alias("lately"), pl.len().alias("samples"))
        always = samples.group_by(PAIR).agg(median.alias("always"))
        found = ordered.join(lately, on=[*PAIR, "period"], how="left", maintain_order="left").join(
            always, on=PAIR, how="left", maintain_order="left"
        )
        known = pl.when(pl.col("samples") >= LEAST).then(pl.col("lately")).otherwise(pl.col("always"))
        return found.with_columns(pairs.select(swapped.alias("swapped"))).select(
            pl.when("swapped").then(-known).otherwise(known).alias("offset")
        )["offset"]
