"""The conditions of rules that remember: what is new, changed, gone, unusual or regular."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from processors.alerts.conditions import Distinct, Every, Sequence, Window, merged, nanoseconds, recalled
from processors.alerts.hits import Evidence, Hit, evidence
from processors.alerts.keyed import Keyed
from processors.alerts.rows import SLOT, THOUSANDTHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processors.alerts.conditions import Condition
    from processors.alerts.keyed import Key
    from processors.alerts.rows import Row
    from processors.alerts.settings import Rule

FINENESS = 64  # of a memory: an entry is put anew when so much of its time is over
MOST_EMPTY = 1000  # periods without anything that are taken into account one by one
BEGAN: Key = ("began",)


class New(Every):
    """Keys that were not seen for so long; nothing while the rule learns. The state is when each was seen."""

    def __init__(self, rule: Rule) -> None:
        assert rule.new is not None  # noqa: S101 - the table of conditions says so
        self._within, self._learn = nanoseconds(rule.new.within), nanoseconds(rule.new.learn)
        self._seen: Keyed[int] = Keyed(rule.keys)
        self._began: Keyed[int] = Keyed(1)
        self.states = (self._seen, self._began)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit for each key that is new."""
        now = slot * SLOT
        if (began := self._began.get(BEGAN)) is None:
            self._began.put(BEGAN, began := now)
        for row in rows:
            seen = self._seen.get(row.key)
            if seen is None or now - seen > self._within // FINENESS:
                self._seen.put(row.key, now)
            if (seen is None or now - seen > self._within) and now - began >= self._learn:
                found = evidence(row)
                yield Hit(row.key, now + SLOT, 1.0, 0.0, found, found)

    def until(self, time: int) -> Iterator[Hit]:
        """Forget what would be new again."""
        while (entry := self._seen.oldest()) is not None and entry[1] + self._within < time:
            self._seen.pop(entry[0])
        yield from ()


class Changed(Every):
    """A value that is another one than before. The state is the value and when it was seen."""

    def __init__(self, rule: Rule) -> None:
        assert rule.changed is not None  # noqa: S101 - the table of conditions says so
        self._of, self._within = rule.changed.of, nanoseconds(rule.changed.within)
        self._values: Keyed[list[Any]] = Keyed(rule.keys)
        self.states = (self._values,)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit for each key whose value has changed; values of one slot are looked at as they came."""
        now = slot * SLOT
        for row in sorted(rows, key=lambda row: (row.first, row.key, str(row.d))):
            value, seen = self._values.get(row.key) or (None, 0)
            if value != row.d or now - seen > self._within // FINENESS:
                self._values.put(row.key, [row.d, now])
            if value not in (None, row.d):
                found = evidence(row)
                yield Hit(row.key, now + SLOT, 1.0, 0.0, found, found, note=f"{self._of} {value} became {row.d}")

    def until(self, time: int) -> Iterator[Hit]:
        """Forget what was not seen for long."""
        while (entry := self._values.oldest()) is not None and entry[1][1] + self._within < time:
            self._values.pop(entry[0])
        yield from ()


class Grows(Every):
    """A counter that is higher than it was told last; lower, it has begun anew. The state is the counter."""

    def __init__(self, rule: Rule) -> None:
        assert rule.grows is not None  # noqa: S101 - the table of conditions says so
        self._by = rule.grows.by
        self._counters: Keyed[int] = Keyed(rule.keys)
        self.states = (self._counters,)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit for each counter that has grown."""
        for row in rows:
            before = self._counters.get(row.key)
            if before != row.v:
                self._counters.put(row.key, row.v)
            grown = (row.v if before is None or row.v < before else row.v - before) / THOUSANDTHS
            if grown > self._by:
                found = evidence(row)
                yield Hit(row.key, (slot + 1) * SLOT, grown, self._by, found, found)


class Absence(Every):
    """Keys of which nothing came for so long, until something comes. The state is when something came last."""

    def __init__(self, rule: Rule) -> None:
        assert rule.absence is not None  # noqa: S101 - the table of conditions says so
        self._after = nanoseconds(rule.absence.after)
        self._there: Keyed[int] = Keyed(rule.keys)
        self._gone: Keyed[int] = Keyed(rule.keys)
        self.states = (self._there, self._gone)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return that keys are back."""
        for row in rows:
            if self._gone.get(row.key) is not None:
                self._gone.pop(row.key)
                found = evidence(row)
                yield Hit(row.key, (slot + 1) * SLOT, 0.0, self._after / 1e9, found, found, stays=True, over=True)
            self._there.put(row.key, (slot + 1) * SLOT)

    def until(self, time: int) -> Iterator[Hit]:
        """Return which keys have been silent for too long."""
        while (entry := self._there.oldest()) is not None and entry[1] + self._after <= time:
            key, last = entry
            self._there.pop(key)
            self._gone.put(key, last)
            seconds, nothing = self._after / 1e9, Evidence(first=last, last=last)
            yield Hit(key, last + self._after, seconds, seconds, nothing, nothing, stays=True)


class Beacon(Every):
    """Connections that begin at even intervals. The state of a key is the last beginnings, ms, and what led to it."""

    def __init__(self, rule: Rule) -> None:
        said = rule.beacon
        assert said is not None  # noqa: S101 - the table of conditions says so
        self._times, self._spread = said.times, said.spread
        self._least, self._most = said.least * 1000, said.most * 1000
        self._keys: Keyed[list[int]] = Keyed(rule.keys)
        self.states = (self._keys,)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit for each key whose last intervals are even."""
        for row in rows:
            began = int(row.d or 0) // 1_000_000
            known = self._keys.get(row.key)
            if known is None:
                self._keys.put(row.key, [began])
                continue
            begun = sorted([*known, began])
            if len(begun) > 1 and begun[-1] - begun[-2] > self._most:
                begun = begun[-1:]
            begun = begun[-self._times - 1 :]
            self._keys.put(row.key, begun)
            spread = self._spread_of(begun)
            if spread is not None:
                found = evidence(row)
                whole = Evidence(len(begun), row.packets, row.bytes, begun[0] * 1_000_000, row.last, found.ids)
                mean = (begun[-1] - begun[0]) / (len(begun) - 1) / 1000
                note = f"every {mean:.1f} s"
                yield Hit(row.key, (slot + 1) * SLOT, spread, self._spread, whole, found, note=note)

    def _spread_of(self, begun: list[int]) -> float | None:
        """Return the standard deviation of the intervals for each of their mean; None when they are not even."""
        if len(begun) <= self._times:
            return None
        gaps = [after - before for before, after in itertools.pairwise(begun)]
        mean = sum(gaps) / len(gaps)
        if not self._least <= mean <= self._most:
            return None
        spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 / mean
        return spread if spread <= self._spread else None

    def until(self, time: int) -> Iterator[Hit]:
        """Forget what has stopped."""
        while (entry := self._keys.oldest()) is not None and entry[1][-1] + self._most < time // 1_000_000:
            self._keys.pop(entry[0])
        yield from ()


class Baseline(Every):
    """More in a period than was usual. The state of a key: period, its sum, evidence, periods known, mean, variance.

    Mean and variance weigh late periods more (West 1979, with a constant weight once `learn` are known). A period that
    is unusual counts only as much as the limit, so that an attack does not become usual at once.
    """

    def __init__(self, rule: Rule) -> None:
        said = rule.baseline
        assert said is not None  # noqa: S101 - the table of conditions says so
        self._every = max(SLOT, nanoseconds(said.every) // SLOT * SLOT)
        self._above, self._least, self._learn = said.above, said.at_least, said.learn
        self._counts, self._tells_apart = not said.sum, bool(said.distinct)
        self._keys: Keyed[list[Any]] = Keyed(rule.keys)
        self._closed: Keyed[int] = Keyed(1)
        self.states = (self._keys, self._closed)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Add up the period; return what those before tell when it is over."""
        period = slot * SLOT // self._every
        yield from self._close_before(period)
        for row in rows:
            state = self._keys.get(row.key) or [period, 0, [], None, 0, 0.0, 0.0]
            if self._tells_apart and row.d not in state[2]:
                state[2].append(row.d)
            state[1] = len(state[2]) if self._tells_apart else state[1] + (row.n if self._counts else row.v)
            state[3] = merged(state[3], evidence(row))
            self._keys.put(row.key, state)

    def until(self, time: int) -> Iterator[Hit]:
        """Return what the periods before tell."""
        yield from self._close_before(time // self._every)

    def _close_before(self, period: int) -> Iterator[Hit]:
        closed = self._closed.get(BEGAN)
        if closed is not None and closed >= period:
            return
        self._closed.put(BEGAN, period)
        if closed is None:
            return
        for key, state in sorted(self._keys.items()):
            yield from self._judged(key, state)
            for _ in range(min(period - state[0] - 1, MOST_EMPTY)):
                self._learned(state, 0.0)
            state[0], state[1], state[2], state[3] = period, 0, [], None
            if state[5] < 1e-6 and state[4] > self._learn:
                self._keys.pop(key)  # nothing for very long
            else:
                self._keys.put(key, state)

    def _judged(self, key: Key, state: list[Any]) -> Iterator[Hit]:
        amount = state[1] / (1 if self._counts or self._tells_apart else THOUSANDTHS)
        deviation = max(state[6] ** 0.5, 0.1 * state[5], 1.0)
        limit = state[5] + self._above * deviation
        unusual = state[4] >= self._learn and amount > limit and amount >= self._least
        if unusual:
            found = recalled(state[3])
            note = f"usual are {state[5]:.4g} in that time"
            yield Hit(key, (state[0] + 1) * self._every, amount, limit, found, found, note=note)
        self._learned(state, min(amount, limit) if unusual else amount)

    def _learned(self, state: list[Any], amount: float) -> None:
        state[4] += 1
        weight = 1 / min(state[4], self._learn * 2)
        apart = amount - state[5]
        state[5] += weight * apart
        state[6] = (1 - weight) * (state[6] + weight * apart * apart)


def condition(rule: Rule) -> Condition:
    """Return what decides for a rule."""
    if rule.kind == "threshold" and rule.threshold and rule.threshold.distinct:
        return Distinct(rule)
    kinds: dict[str, type[Every]] = {
        "match": Every, "lasting": Every, "threshold": Window, "rate": Window, "ratio": Window, "sequence": Sequence,
        "new": New, "changed": Changed, "grows": Grows, "absence": Absence, "beacon": Beacon, "baseline": Baseline,
    }  # fmt: skip
    return kinds[rule.kind](rule)
