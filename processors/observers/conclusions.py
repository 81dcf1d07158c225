"""What follows for flows that are one conversation: which of them counts, in what order they lie, how they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from processors.observers.clocks import Clocks

SECOND = 1_000_000_000
SUMMED = ("low_packets", "high_packets")
FIRST, LAST = ("low_first", "high_first"), ("low_last", "high_last")
TTL = ("low_ttl", "high_ttl")
OF_PRIMARY = ("observer", "start", "end", "turned", *SUMMED, *FIRST, *LAST)


def concluded(flows: pl.DataFrame, names: pl.DataFrame, clocks: Clocks) -> pl.DataFrame:
    """Return for each flow that was seen at several points: `row`, `primary`, and `labels` as text.

    `flows` has the columns of OBSERVATION, `row`, `group` and what was `said` before (1 primary, -1 further, 0
    nothing); `names` what to call each `observer`.
    """
    shared = flows.filter(pl.col("observer").n_unique().over("group") > 1)
    points = _points(shared).join(names, on="observer", how="left")
    points = _beside_primary(points, clocks)
    points = _in_path_order(points)
    texts = _labels(points)
    return (
        shared.select("row", "group", "observer", "turned")
        .join(texts, on=["group", "observer"], how="left")
        .select("row", "primary", pl.when("turned").then("high_labels").otherwise("low_labels").alias("labels"))
        .sort("row")
    )


def _points(shared: pl.DataFrame) -> pl.DataFrame:
    """Sum up what each point saw of a conversation: it may have been more than one flow there."""
    firsts = [pl.col(name).filter(pl.col(name) > 0).min() for name in (*FIRST, *TTL)]
    return (
        shared.sort("group", "observer", "start")
        .group_by("group", "observer", maintain_order=True)
        .agg(
            pl.col("start").min(),
            pl.col("end").max(),
            pl.col("turned").first(),
            pl.col("said").max(),
            pl.col(SUMMED).sum(),
            *firsts,
            pl.col(LAST).max(),
        )
    )


def _beside_primary(points: pl.DataFrame, clocks: Clocks) -> pl.DataFrame:
    """Put beside each point the one that saw most of the conversation, the first by name of several, and the clocks."""
    packets = pl.sum_horizontal(SUMMED)
    ordered = points.sort("group", "said", packets, "name", "observer", descending=[False, True, True, False, False])
    primary = ordered.group_by("group", maintain_order=True).first().select("group", *OF_PRIMARY)
    pairs = ordered.join(primary, on="group", suffix="_primary", maintain_order="left").with_columns(
        primary=pl.col("observer") == pl.col("observer_primary")
    )
    both = pl.all_horizontal(
        *(pl.col(name) == pl.col(f"{name}_primary") for name in SUMMED), *(pl.col(name) > 0 for name in SUMMED)
    )
    # The same number of packets in both directions: the first and the last that each saw are the same ones.
    sample = pl.sum_horizontal(pl.col(name) - pl.col(f"{name}_primary") for name in (*FIRST, *LAST)) // 4
    asked = pairs.select(
        pl.col("observer_primary").alias("one"),
        pl.col("observer").alias("other"),
        pl.col("start").alias("time"),
        pl.when(both & ~pl.col("primary")).then(sample).alias("sample"),
    )
    offset = pl.when("primary").then(0).otherwise(clocks.offsets(asked))
    return pairs.with_columns(offset=offset)


def _in_path_order(points: pl.DataFrame) -> pl.DataFrame:
    """Give the points of each conversation their places from its source on: every hop takes one from the TTL."""
    everywhere = [pl.col(name).is_not_null().all().over("group") for name in TTL]
    from_low, from_high = (
        pl.when(known).then(pl.col(name).cast(pl.Int64)).otherwise(0)
        for name, known in zip(TTL, everywhere, strict=True)
    )
    hops = pl.when("turned_primary").then(from_low - from_high).otherwise(from_high - from_low)
    came = pl.col("start") - pl.col("offset").fill_null(0)
    ordered = points.with_columns(hops=hops, came=came).sort("group", "hops", "came", "name", "observer")
    return ordered.with_columns(place=pl.int_range(pl.len()).over("group"))


def _labels(points: pl.DataFrame) -> pl.DataFrame:
    """Write for each point what its flows say: all points in path order, and how they differ.

    A further observation tells how it differs from the primary one, the primary how the one farthest from it does.
    """
    away = (pl.col("place") - pl.col("place").filter(pl.col("primary")).first().over("group")).abs()
    apart = pl.col("start") - pl.col("start_primary") - pl.col("offset")
    ended = pl.col("end") - pl.col("end_primary") - pl.col("offset")
    told = points.with_columns(
        away=away,
        times=pl.concat_str(
            pl.lit(":dlstime="), _seconds(apart), pl.lit(":dlltime="), _seconds(ended), pl.lit(":dlclock="),
            _seconds(pl.col("offset")),
        ).fill_null(""),
        low=pl.col("low_packets") - pl.col("low_packets_primary"),
        high=pl.col("high_packets") - pl.col("high_packets_primary"),
    )  # fmt: skip
    told = told.with_columns(_of_farthest("times"), _of_farthest("low"), _of_farthest("high"))
    lists = told.group_by("group", maintain_order=True).agg(
        pl.col("name").str.join(",").alias("cor"),
        _counts("low_packets", "high_packets").str.join(",").alias("low_counts"),
        _counts("high_packets", "low_packets").str.join(",").alias("high_counts"),
    )
    texts = told.join(lists, on="group")
    ways = (_text("low", "high").alias("low_labels"), _text("high", "low").alias("high_labels"))
    return texts.select("group", "observer", "primary", *ways)


def _of_farthest(name: str) -> pl.Expr:
    farthest = pl.col(name).sort_by("away", "place").last().over("group")
    return pl.when("primary").then(farthest).otherwise(pl.col(name)).alias(name)


def _counts(source: str, target: str) -> pl.Expr:
    return pl.concat_str(pl.col(source), pl.lit("/"), pl.col(target))


def _text(source: str, target: str) -> pl.Expr:
    return pl.concat_str(
        pl.lit("cor="), "cor", pl.lit(":corpkts="), f"{source}_counts", "times",
        pl.lit(":dlspkt="), source, pl.lit(":dldpkt="), target,
    )  # fmt: skip


def _seconds(nanoseconds: pl.Expr) -> pl.Expr:
    """Return ns as seconds with all nine digits."""
    sign = pl.when(nanoseconds < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, rest = nanoseconds.abs() // SECOND, nanoseconds.abs() % SECOND + SECOND
    return pl.concat_str(sign, whole, pl.lit("."), rest.cast(pl.String).str.slice(1))
