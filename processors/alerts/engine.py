"""Evaluates rules: records come in any order and in pieces of any size, time tells when a slot of them is complete."""

from __future__ import annotations

import io
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import polars as pl

from processors.alerts.book import Book
from processors.alerts.memories import condition
from processors.alerts.rows import SLOT, FlowRows, TableRows, added_up, sorted_rows
from processors.alerts.silences import Silences
from processors.alerts.streams import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from processors.alerts.conditions import Condition
    from processors.alerts.keyed import Keyed
    from processors.alerts.rows import Row
    from processors.alerts.settings import Rule, Silence
    from topics.alerts import Alert
    from topics.batch import FlowBatch

MANY_WAITING = 100_000  # rows of one rule that wait as they came
MOST_WAITING = 2_000_000  # rows that wait for their slot to be complete; more, and the oldest slots are closed early


@dataclass(slots=True)
class _Evaluated:
    """A rule, what decides for it, its alerts, and its rows that wait, those apart that came late."""

    rule: Rule
    condition: Condition
    book: Book
    waiting: list[pl.DataFrame] = field(default_factory=list)
    late: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0
    wide: int = MANY_WAITING

    @property
    def most(self) -> bool:
        return self.rule.kind in {"lasting", "grows"}

    def gather(self) -> None:
        """Add up what waits, when it is much and may be fewer groups."""
        if self.rows < self.wide:
            return
        frame = pl.concat(self.waiting, how="vertical_relaxed")
        self.waiting = [added_up(frame.lazy(), self.keys, most=self.most).select(frame.columns).collect()]
        self.rows = self.waiting[0].height + sum(frame.height for frame in self.late)
        self.wide = max(MANY_WAITING, 2 * self.rows)

    @property
    def keys(self) -> list[str]:
        return [f"k.{place}" for place in range(len(self.rule.fields))]

    @property
    def states(self) -> tuple[Keyed[Any], ...]:
        return (*self.condition.states, *self.book.states)


@dataclass(slots=True)
class _Stream:
    """One kind of input: its rules, what takes rows out of it, and the first slot that is not closed."""

    rules: list[_Evaluated]
    rows: FlowRows | TableRows
    closed: int = 0


class Alerts:
    """The rules at work. The same records give the same alerts, however they are cut and in whatever order they come.

    Each kind of input has a time of its own: `advance` tells how far it has come. Records that come after that are
    looked at with the slot that is open, and counted in `late`.
    """

    def __init__(self, rules: Sequence[Rule], silences: Sequence[Silence] = ()) -> None:
        silent = Silences(silences)
        self._streams: dict[str, _Stream] = {}
        for kind in KINDS:
            chosen = [rule for rule in rules if rule.about == kind and rule.enabled]
            if chosen:
                rows = FlowRows(chosen) if kind == "records" else TableRows(chosen)
                evaluated = [_Evaluated(rule, condition(rule), Book(rule, silent)) for rule in chosen]
                self._streams[kind] = _Stream(evaluated, rows)
        self.late = self.forced = 0

    @property
    def inputs(self) -> set[str]:
        """Return the kinds of input that some rule looks at."""
        return set(self._streams)

    @property
    def needs_labels(self) -> bool:
        """Return whether some rule looks at the labels of flows."""
        stream = self._streams.get("records")
        return stream is not None and isinstance(stream.rows, FlowRows) and stream.rows.needs_labels

    def process(self, batch: FlowBatch, *, again: bool = False) -> None:
        """Take flow records; `again` those that somebody had who saved what this was restored from."""
        stream = self._streams.get("records")
        if stream is not None and len(batch) and isinstance(stream.rows, FlowRows):
            self._take(stream, stream.rows(batch), again=again)

    def process_table(self, kind: str, frame: pl.DataFrame, *, again: bool = False) -> None:
        """Take rows of a table: `time` (ns) and the columns that streams.py tells."""
        stream = self._streams.get(kind)
        if stream is not None and frame.height and isinstance(stream.rows, TableRows):
            self._take(stream, stream.rows(frame), again=again)

    def advance(self, time: int, kind: str = "records") -> list[Alert]:
        """Learn that no record of this kind from before `time` (ns) follows; return the alerts in order."""
        stream = self._streams.get(kind)
        if stream is None:
            return []
        slot = time // SLOT
        waiting = sum(each.rows for each in stream.rules)
        if waiting > MOST_WAITING and (early := self._early(stream)) > slot:
            self.forced, slot = self.forced + 1, early
        if slot <= stream.closed:
            return []
        stream.closed = slot
        alerts = [alert for each in stream.rules for alert in _closed(each, slot)]
        return sorted(alerts, key=_order)

    def flush(self) -> list[Alert]:
        """Look at all records that wait: nothing follows them. Time itself goes no further than they do."""
        found: list[Alert] = []
        for kind, stream in self._streams.items():
            newest = [_newest(frame) for each in stream.rules for frame in (*each.waiting, *each.late) if frame.height]
            found += self.advance((max(newest) + 1) * SLOT, kind) if newest else []
        return sorted(found, key=_order)

    def open(self) -> list[Alert]:
        """Return the alerts that are not resolved."""
        return [alert for stream in self._streams.values() for each in stream.rules for alert in each.book.open()]

    def counts(self) -> dict[str, int]:
        """Return what was counted: late records, and what made room for newer."""
        rules = [each for stream in self._streams.values() for each in stream.rules]
        return {
            "late": self.late,
            "forced": self.forced,
            "evicted": sum(state.evicted for each in rules for state in each.states),
            "suppressed": sum(each.book.suppressed for each in rules),
            "silenced": sum(each.book.silenced for each in rules),
        }

    def save(self, *, whole: bool) -> dict[str, Any]:
        """Return what has changed since the last time, or everything, as JSON can hold it.

        Records that wait are not in it: whoever goes on has to read again what is not before `closed`; but those that
        came late are.
        """
        streams = {}
        for kind, stream in self._streams.items():
            rules = {}
            for each in stream.rules:
                changes = [state.changes(whole=whole) for state in each.states]
                if any(changes):
                    rules[_identity(each.rule)] = changes
            late = {_identity(each.rule): list(map(_packed, each.late)) for each in stream.rules if each.late}
            streams[kind] = {"closed": stream.closed, "rules": rules, "late": late}
        return streams

    def restore(self, saved: dict[str, Any]) -> None:
        """Take what `save` of another one returned; rules that were changed since begin anew."""
        for kind, said in saved.items():
            stream = self._streams.get(kind)
            if stream is None:
                continue
            stream.closed = said["closed"]
            for each in stream.rules:
                for state, changes in zip(each.states, said["rules"].get(_identity(each.rule), ()), strict=False):
                    state.restore(changes)
                each.condition.restored()
                each.late = list(map(_unpacked, said["late"].get(_identity(each.rule), ())))
                each.rows = sum(frame.height for frame in each.late)

    def closed(self, kind: str) -> int:
        """Return the time (ns) up to which everything was looked at."""
        stream = self._streams.get(kind)
        return stream.closed * SLOT if stream else 0

    def _take(self, stream: _Stream, rows: Iterable[pl.DataFrame | None], *, again: bool) -> None:
        is_late = pl.col("slot") < stream.closed
        for each, frame in zip(stream.rules, rows, strict=True):
            if frame is None:
                continue
            if not frame.select(is_late.any()).item():
                each.waiting.append(frame)
                each.rows += frame.height
                each.gather()
                continue
            each.waiting.append(frame.filter(~is_late))
            each.rows += each.waiting[-1].height
            late = frame.filter(is_late)
            if not again:
                now = late.lazy().with_columns(slot=pl.lit(stream.closed, pl.Int64))
                each.late.append(added_up(now, each.keys, most=each.most).select(frame.columns).collect())
                each.rows += late.height
                self.late += late.height

    def _early(self, stream: _Stream) -> int:
        """Return up to which slot has to be closed to let half of what waits go."""
        slots = pl.concat([frame["slot"] for each in stream.rules for frame in (*each.waiting, *each.late)]).sort()
        return int(slots[len(slots) // 2]) + 1


def _closed(each: _Evaluated, slot: int) -> Iterator[Alert]:
    """Yield the alerts of one rule from slots before `slot`, and what the time tells."""
    for number, rows in _by_slot(_ready(each, slot)):
        yield from _timed(each, number * SLOT)
        for hit in each.condition.take(number, rows):
            yield from each.book.take(hit)
    yield from _timed(each, slot * SLOT)


def _timed(each: _Evaluated, time: int) -> Iterator[Alert]:
    for hit in each.condition.until(time):
        yield from each.book.take(hit)
    yield from each.book.until(time)


def _ready(each: _Evaluated, slot: int) -> pl.DataFrame | None:
    """Take the rows of slots before `slot` out of those that wait."""
    if not each.waiting and not each.late:
        return None
    frame = pl.concat([*each.waiting, *each.late], how="vertical_relaxed").lazy()
    is_ready = pl.col("slot") < slot
    ready, rest = pl.collect_all([added_up(frame.filter(is_ready), each.keys, most=each.most), frame.filter(~is_ready)])
    each.late = []  # they are of the first slot that is closed
    each.waiting, each.rows = ([rest] if rest.height else []), rest.height
    return ready if ready.height else None


def _by_slot(frame: pl.DataFrame | None) -> Iterator[tuple[int, list[Row]]]:
    """Yield each slot with its rows, in order."""
    if frame is not None:
        for slot, rows in groupby(sorted_rows(frame), key=itemgetter(0)):
            yield slot, list(rows)


def _newest(frame: pl.DataFrame) -> int:
    return int(frame.select(pl.col("slot").max()).item())


def _packed(frame: pl.DataFrame) -> str:
    out = io.BytesIO()
    frame.write_ipc(out)
    return b64encode(out.getvalue()).decode()


def _unpacked(text: str) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(b64decode(text)))


def _order(alert: Alert) -> tuple[int, str, str, int]:
    return alert.time, alert.rule, alert.about, alert.revision


def _identity(rule: Rule) -> str:
    """Return what makes a rule another one: what is remembered is of no use to it."""
    told = {"summary", "explain", "severity", "tags", "quiet", "repeat", "keys"}
    said = json.dumps(rule.model_dump(exclude=told), sort_keys=True)
    return f"{rule.name}/{blake2b(said.encode(), digest_size=6).hexdigest()}"
