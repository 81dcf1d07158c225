"""The conditions of rules that look at a span of time: sums, ratios, distinct values, sequences.

A condition gets the rows of one slot at a time, in order, and says what holds. What it remembers is in `states`. `rows`
are in the order of slots; `until(time)` tells that no row of an earlier slot follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from processors.alerts.hits import MOST_IDS, Evidence, Hit, evidence
from processors.alerts.keyed import Key, Keyed
from processors.alerts.rows import FIRST, HEARD, HEARD_SPANS, SLOT, THOUSANDTHS, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processors.alerts.settings import Rule

SECOND = 1_000_000_000
PANES = 60  # that a window is made of: how exactly its beginning is known
MOST_VALUES = 1_000_000  # distinct values that one rule remembers


class Condition(Protocol):
    """What decides when a rule has found something."""

    states: tuple[Keyed[Any], ...]

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Look at the rows of a slot."""

    def until(self, time: int) -> Iterator[Hit]:
        """Say what the time itself tells (ns)."""

    def restored(self) -> None:
        """Learn that `states` are as they were saved."""


def nanoseconds(seconds: float) -> int:
    """Return seconds as ns."""
    return round(seconds * SECOND)


def pane_of(window: int) -> int:
    """Return how long the pieces of a window are, ns: whole slots."""
    return max(SLOT, window // PANES // SLOT * SLOT)


class Every:
    """Each record that matches."""

    def __init__(self, rule: Rule) -> None:
        self._limit = rule.lasting.over if rule.lasting else 0.0
        self.states: tuple[Keyed[Any], ...] = ()

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit for each row, for `lasting` where a flow has lasted so long."""
        for row in rows:
            value = row.v / THOUSANDTHS if self._limit else float(row.n)
            if value >= self._limit:
                found = evidence(row)
                yield Hit(row.key, (slot + 1) * SLOT, value, self._limit, found, found, note=str(row.d or ""))

    def until(self, time: int) -> Iterator[Hit]:
        """Return nothing: only records count."""
        del time
        yield from ()

    def restored(self) -> None:
        """Do nothing: the states are all there is."""


class Window(Every):
    """More than a number within a window: records, a sum, or one sum for each of another.

    The state of a key is its pieces, [number, v, w, n, packets, bytes, first, last] each, and flow ids.
    """

    def __init__(self, rule: Rule) -> None:
        said = rule.threshold or rule.rate or rule.ratio
        assert said is not None  # noqa: S101 - the table of conditions says so
        window = nanoseconds(said.within)
        self._pane, self._window = pane_of(window), window
        self._counts = not (rule.ratio or rule.measured[1])
        self._ratio = rule.ratio
        per_window = rule.rate.above * rule.rate.within if rule.rate else 0.0
        self._over = rule.threshold.over if rule.threshold else per_window
        self._per_second = 1 / rule.rate.within if rule.rate else 1.0
        self._keys: Keyed[list[Any]] = Keyed(rule.keys)
        self.states = (self._keys,)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit for each row that leaves its key above the limit."""
        number = slot * SLOT // self._pane
        oldest = number - self._window // self._pane
        for row in rows:
            state = self._keys.get(row.key)
            if state is None or state[0][-1][0] <= oldest:
                pane = [number, row.v, row.w, row.n, row.packets, row.bytes, row.first, row.last]
                state = [[pane], [row.id] if row.id else []]
            else:
                self._add(state, row, number, oldest)
            self._keys.put(row.key, state)
            value, limit = self._value(state[0])
            if value > limit:
                yield Hit(row.key, (slot + 1) * SLOT, value, limit, _together(*state), evidence(row))

    def _add(self, state: list[Any], row: Row, number: int, oldest: int) -> None:
        panes, ids = state
        while panes[0][0] <= oldest:
            panes.pop(0)
        if panes[-1][0] != number:
            panes.append([number, 0, 0, 0, 0, 0, row.first, row.last])
        _add(panes[-1], row)
        if len(ids) < MOST_IDS and row.id and row.id not in ids:
            ids.append(row.id)

    def _value(self, panes: list[list[int]]) -> tuple[float, float]:
        if self._ratio is None:
            place = 3 if self._counts else 1
            total = panes[0][place] if len(panes) == 1 else sum([pane[place] for pane in panes])
            return (total if self._counts else total / THOUSANDTHS) * self._per_second, self._over * self._per_second
        of = sum([pane[1] for pane in panes]) / THOUSANDTHS
        if not of or of < self._ratio.at_least:
            return 0.0, self._ratio.above
        to = sum([pane[2] for pane in panes]) / THOUSANDTHS
        return of / to if to else of, self._ratio.above

    def until(self, time: int) -> Iterator[Hit]:
        """Forget what is too old to count."""
        oldest = time // self._pane - self._window // self._pane
        while (entry := self._keys.oldest()) is not None and entry[1][0][-1][0] <= oldest:
            self._keys.pop(entry[0])
        yield from ()


class Distinct(Every):
    """More than so many values of a field within a window; of those addresses that sent lately none counts.

    The state of a key is when each value was seen last, by piece of the window, the number of the window, and what led
    to it in the window before and in this one.
    """

    def __init__(self, rule: Rule) -> None:
        said = rule.threshold
        assert said is not None  # noqa: S101 - the table of conditions says so
        window = nanoseconds(said.within)
        self._pane, self._window, self._over = pane_of(window), window, said.over
        self._keys: Keyed[list[Any]] = Keyed(rule.keys, self._forgotten)
        self._values = 0
        self._heard: Keyed[int] = Keyed(max(rule.keys, MOST_VALUES))
        self._memory = nanoseconds(said.except_heard)
        self._span = max(SLOT, self._memory // HEARD_SPANS)
        self.states = (self._keys, self._heard)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit for each key that a row of the slot leaves above the limit."""
        number = slot * SLOT // self._pane
        oldest = number - self._window // self._pane
        touched: dict[Key, Evidence] = {}
        for row in rows:
            if row.which == HEARD:
                self._hear(row)
            elif (not self._memory or self._is_dark(row, slot)) and (
                self._note(row, number, slot * SLOT // self._window) > self._over
            ):
                touched.setdefault(row.key, Evidence()).add(evidence(row))
        while self._values > MOST_VALUES and len(self._keys) > 1:
            self._keys.evicted += 1
            self._keys.pop_oldest()
        for key, added in touched.items():
            yield from self._judged(key, (slot + 1) * SLOT, oldest, added)

    def _note(self, row: Row, number: int, window: int) -> int:
        """Note a value; return how many there may be."""
        state = self._keys.get(row.key)
        if state is None:
            state = [{}, window, None, None]
        elif window > state[1]:
            state[1:] = [window, state[3] if window == state[1] + 1 else None, None]
        values, value = state[0], str(row.d)
        self._values += value not in values
        values[value] = number
        found = state[3]
        if found is None:
            state[3] = [row.n, row.packets, row.bytes, row.first, row.last, [row.id] if row.id else []]
        else:
            found[0] += row.n
            found[1] += row.packets
            found[2] += row.bytes
            found[3], found[4] = min(found[3], row.first), max(found[4], row.last)
            if len(found[5]) < MOST_IDS and row.id and row.id not in found[5]:
                found[5].append(row.id)
        self._keys.put(row.key, state)
        return len(values)

    def _judged(self, key: Key, time: int, oldest: int, added: Evidence) -> Iterator[Hit]:
        state = self._keys.get(key)
        if state is None or len(state[0]) <= self._over:
            return
        values = {value: seen for value, seen in state[0].items() if seen > oldest}
        self._values += len(values) - len(state[0])
        self._keys.put(key, [values, *state[1:]])
        if len(values) > self._over:
            whole = recalled(state[2])
            whole.add(recalled(state[3]))
            yield Hit(key, time, float(len(values)), self._over, whole, added)

    def until(self, time: int) -> Iterator[Hit]:
        """Forget what is too old to count."""
        oldest = time // self._pane - self._window // self._pane
        while (entry := self._keys.oldest()) is not None and max(entry[1][0].values(), default=0) <= oldest:
            self._keys.pop(entry[0])
            self._forgotten(*entry)
        yield from ()

    def restored(self) -> None:
        """Count anew what there is."""
        self._values = sum(len(state[0]) for _, state in self._keys.items())

    def _hear(self, row: Row) -> None:
        key = (str(row.d),)
        if self._heard.get(key) != row.v:
            self._heard.put(key, row.v)

    def _is_dark(self, row: Row, slot: int) -> bool:
        seen = self._heard.get((str(row.d),))
        return seen is None or slot * SLOT // self._span - seen > HEARD_SPANS

    def _forgotten(self, _: Key, state: list[Any]) -> None:
        self._values -= len(state[0])


class Sequence(Every):
    """Records of the second filter after those of the first, within a time. The state is the first of the first."""

    def __init__(self, rule: Rule) -> None:
        assert rule.sequence is not None  # noqa: S101 - the table of conditions says so
        self._within = nanoseconds(rule.sequence.within)
        self._keys: Keyed[list[Any]] = Keyed(rule.keys)
        self.states = (self._keys,)

    def take(self, slot: int, rows: Iterable[Row]) -> Iterator[Hit]:
        """Return a hit where what follows came."""
        for row in rows:
            state = self._keys.get(row.key)
            if row.which == FIRST:
                self._keys.put(row.key, merged(None, evidence(row)))
            elif state is not None and state[3] < row.last and row.last - state[3] <= self._within:
                whole = recalled(state)
                whole.add(evidence(row))
                yield Hit(row.key, (slot + 1) * SLOT, 2.0, 2.0, whole, evidence(row))

    def until(self, time: int) -> Iterator[Hit]:
        """Forget what nothing can follow any more."""
        while (entry := self._keys.oldest()) is not None and entry[1][4] + self._within < time:
            self._keys.pop(entry[0])
        yield from ()


def _add(pane: list[int], row: Row) -> None:
    pane[1] += row.v
    pane[2] += row.w
    pane[3] += row.n
    pane[4] += row.packets
    pane[5] += row.bytes
    pane[6], pane[7] = min(pane[6], row.first), max(pane[7], row.last)


def _together(panes: list[list[int]], ids: list[str]) -> Evidence:
    n, packets, octets = (sum(pane[place] for pane in panes) for place in (3, 4, 5))
    return Evidence(n, packets, octets, min(pane[6] for pane in panes), max(pane[7] for pane in panes), list(ids))


def merged(state: list[Any] | None, added: Evidence) -> list[Any]:
    """Return evidence as a state that JSON can hold, with more."""
    found = recalled(state)
    found.add(added)
    return [found.n, found.packets, found.bytes, found.first, found.last, found.ids]


def recalled(state: list[Any] | None) -> Evidence:
    """Return the evidence of a state."""
    if state is None:
        return Evidence()
    n, packets, octets, first, last, ids = state
    return Evidence(n, packets, octets, first, last, list(ids))
