"""Active flows by any key, merged as racluster does, with rates over a sliding window and their last records."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from processors.merge.by_fields import aggregation
from processors.merge.key_fields import ALL, COLUMNS, COMPUTED, KNOWN, NONE
from topics.batch import FlowBatch, concatenate, last_times, start_times
from topics.fields import field
from topics.frame import to_arrow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    Times = np.ndarray[Any, np.dtype[np.int64]]

LOAD, RATE, IDLE, IDENTITY = "window_load", "window_rate", "idle_time", "identity"
COUNTED = ("src_bytes", "dst_bytes", "src_packets", "dst_packets")
BITS, SECOND = 8, 1_000_000_000
MOST_RECENT = 50_000  # records that are kept as they came
CAPACITY = 1 << 14
OBSERVER = ("site", "probe", "interface")


class ActiveFlows:
    """Flows that had packets less than `idle` ns ago, at most `most`: those idle for longest leave first.

    `keys` are those of racluster, the conversation without any; `window` ns is what rates are taken over. Time is that
    of events: `advance` says how late it is. Raises UsageError for an unknown key.
    """

    def __init__(self, keys: Sequence[str] = (), *, window: int, idle: int, most: int = 1 << 17) -> None:
        self.window, self.idle, self.now = window, idle, 0
        self._most = most
        self._recent: deque[FlowBatch] = deque()
        self._pending: list[FlowBatch] = []
        self._flows = FlowBatch()
        self.group(keys)

    def __len__(self) -> int:
        return len(self._flows)

    def group(self, keys: Sequence[str], wanted: pl.Expr | None = None) -> None:
        """Merge by other keys, from the records that are still kept; raises UsageError for an unknown one.

        `wanted` is a compiled filter of records: what is merged by a key has no other fields left to ask about.
        """
        made = aggregation(list(keys), capacity=CAPACITY)
        identity = _identity(keys)
        self._aggregation, self._by, self._wanted = made, identity, wanted
        self._flows, self._window = FlowBatch(), _no_window()
        self._pending = [*self._recent, *self._pending]
        self._recent.clear()

    def add(self, batch: FlowBatch) -> None:
        """Take records; they count from the next `advance` on."""
        if len(batch):
            self._pending.append(batch)

    def advance(self, now: int) -> None:
        """Merge what came, say that it is `now`, ns, and let go of flows that are idle for long."""
        self.now = max(self.now, now)
        if self._pending:
            self._merge(concatenate(self._pending))
            self._pending = []
        if not len(self._flows):
            return
        last = last_times(self._flows.records)
        kept = np.flatnonzero(last >= self.now - self.idle)
        if len(kept) > self._most:
            kept = np.sort(kept[np.argsort(last[kept])[-self._most :]])
        if len(kept) < len(self._flows):
            self._flows = self._flows.select(kept)
        self._window = self._window.filter(pl.col("last") > self.now - self.window)

    def frame(self, names: Collection[str]) -> pl.DataFrame:
        """Return the flows: columns of topics/frame.py, and LOAD (bit/s), RATE (packets/s), IDLE (ns), IDENTITY."""
        wanted = {*names, "src_last", "dst_last", *self._by.meta.root_names()}
        flows = pl.DataFrame(to_arrow(self._flows, wanted)).with_columns(self._by.alias(IDENTITY))
        last = pl.max_horizontal("src_last", "dst_last").to_physical()
        rates = self._rates()
        found = flows.join(rates, on=IDENTITY, how="left", maintain_order="left")
        return found.with_columns(pl.col(LOAD, RATE).fill_null(0.0), (self.now - last).clip(0).alias(IDLE))

    def records(self, identity: int) -> FlowBatch:
        """Return the records that are still kept of a flow, oldest first."""
        parts = []
        for batch in self._recent:
            frame = pl.DataFrame(to_arrow(batch, set(self._by.meta.root_names())))
            rows = np.flatnonzero((frame.select(self._by.alias(IDENTITY)).to_series() == identity).to_numpy())
            if len(rows):
                parts.append(batch.select(rows))
        return concatenate(parts)

    def _merge(self, batch: FlowBatch) -> None:
        self._recent.append(batch)
        while len(self._recent) > 1 and sum(len(each) for each in self._recent) > MOST_RECENT:
            self._recent.popleft()
        if self._wanted is not None:
            frame = pl.DataFrame(to_arrow(batch, set(self._wanted.meta.root_names())))
            batch = batch.select(np.flatnonzero(frame.select(self._wanted).to_series().to_numpy()))
            if not len(batch):
                return
        self._aggregation.add(batch)
        merged = self._aggregation.finish()
        self._note(merged)
        self._aggregation.add(self._flows)
        self._aggregation.add(merged)
        self._flows = self._aggregation.finish()

    def _note(self, merged: FlowBatch) -> None:
        """Keep what rates are made of: when each of the merged records was, and how much."""
        counted = pl.DataFrame(to_arrow(merged, {*COUNTED, *self._by.meta.root_names()})).select(
            self._by.alias(IDENTITY),
            pl.Series("first", start_times(merged.records)),
            pl.Series("last", last_times(merged.records)),
            (pl.col("src_bytes") + pl.col("dst_bytes")).cast(pl.Float64).alias("bytes"),
            (pl.col("src_packets") + pl.col("dst_packets")).cast(pl.Float64).alias("packets"),
        )
        self._window = pl.concat([self._window, counted])

    def _rates(self) -> pl.DataFrame:
        """Return LOAD and RATE of each identity: of a record, the share that its time has in the window."""
        begin = self.now - self.window
        inside = (pl.col("last") - pl.max_horizontal(pl.col("first"), pl.lit(begin))).clip(0)
        length = pl.col("last") - pl.col("first")
        share = pl.when(length > 0).then(inside / length).otherwise((pl.col("last") > begin).cast(pl.Float64))
        seconds = self.window / SECOND
        return self._window.group_by(IDENTITY).agg(
            ((pl.col("bytes") * share).sum() * BITS / seconds).alias(LOAD),
            ((pl.col("packets") * share).sum() / seconds).alias(RATE),
        )


def _no_window() -> pl.DataFrame:
    kinds = {IDENTITY: pl.UInt64, "first": pl.Int64, "last": pl.Int64, "bytes": pl.Float64, "packets": pl.Float64}
    return pl.DataFrame(schema=kinds)


def _identity(keys: Sequence[str]) -> pl.Expr:
    """Return a number that is the same for all records of a key; a conversation's is the same from both ends."""
    if not keys:
        ends = [pl.struct(f"{side}_address", f"{side}_port").hash() for side in ("src", "dst")]
        return pl.struct(
            pl.min_horizontal(ends).alias("one"), pl.max_horizontal(ends).alias("other"), "protocol", "ethertype"
        ).hash()
    if NONE in keys:
        return pl.struct("flow_id", "status_sequence").hash()
    parts: list[pl.Expr] = []
    for key in keys:
        name = key.partition("/")[0]
        if name in COLUMNS:
            parts += [pl.col(part) for part in _columns(name)]
        elif name not in KNOWN:
            parts.append(field(name).value())
    if not parts:
        parts = [pl.col("protocol").is_null()] if ALL in keys else []
    return pl.struct(part.alias(str(place)) for place, part in enumerate(parts)).hash()


def _columns(name: str) -> list[str]:
    own = COLUMNS[name]
    if own == ("observer",):
        return list(OBSERVER)
    return [part for part in own if part == "protocol" or part not in COMPUTED]
