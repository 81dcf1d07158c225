"""The alerts of one rule: raised once for each subject, repeated if asked for, resolved when it is quiet."""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from processors.alerts.conditions import merged, nanoseconds, recalled
from processors.alerts.keyed import Keyed
from processors.alerts.rows import ADDRESSES
from processors.alerts.wording import query, subject_text, summary
from topics.alerts import RAISED, REPEATED, RESOLVED, Alert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.alerts.hits import Evidence, Hit
    from processors.alerts.keyed import Key
    from processors.alerts.settings import Rule
    from processors.alerts.silences import Silences

# Of the state of an alert that is not resolved.
ID, REVISION, HEARD, TOLD, VALUE, LIMIT, NOTE, FOUND = range(8)


class Book:
    """Turns hits into alerts. `suppressed` counts hits that belong to an open alert, `silenced` those in a silence."""

    def __init__(self, rule: Rule, silences: Silences) -> None:
        self._rule, self._silences = rule, silences
        self._quiet, self._repeat = nanoseconds(rule.quiet), nanoseconds(rule.repeat)
        self._open: Keyed[list[Any]] = Keyed(rule.keys)
        self._standing: Keyed[list[Any]] = Keyed(rule.keys)
        self.suppressed = self.silenced = 0
        self.states: tuple[Keyed[Any], ...] = (self._open, self._standing)

    def take(self, hit: Hit) -> Iterator[Alert]:
        """Take a hit; return what is to be told."""
        book = self._standing if hit.stays else self._open
        state = book.get(hit.key)
        if hit.over:
            if state is not None:
                book.pop(hit.key)
                yield self._alert(RESOLVED, hit.key, state, hit.time)
            return
        if state is None:
            yield from self._raised(book, hit)
            return
        self.suppressed += 1
        state[FOUND] = merged(state[FOUND], hit.added)
        state[HEARD], state[VALUE] = hit.time, max(state[VALUE], hit.value)
        repeats = self._repeat > 0 and hit.time - state[TOLD] >= self._repeat
        if repeats:
            state[REVISION], state[TOLD] = state[REVISION] + 1, hit.time
        book.put(hit.key, state)
        if repeats:
            yield self._alert(REPEATED, hit.key, state, hit.time)

    def until(self, time: int) -> Iterator[Alert]:
        """Resolve what was quiet for long enough at a time (ns)."""
        while (entry := self._open.oldest()) is not None and entry[1][HEARD] + self._quiet <= time:
            key, state = entry
            self._open.pop(key)
            yield self._alert(RESOLVED, key, state, state[HEARD] + self._quiet)

    def open(self) -> list[Alert]:
        """Return the alerts that are not resolved, as they stand."""
        states = [*self._open.items(), *self._standing.items()]
        return [self._alert(REPEATED, key, state, state[HEARD]) for key, state in states]

    def _raised(self, book: Keyed[list[Any]], hit: Hit) -> Iterator[Alert]:
        if self._silences(self._rule.name, self._subject(hit.key), hit.time):
            self.silenced += 1
            return
        name = f"{self._rule.name}\0{hit.key}\0{hit.time}".encode()
        found = merged(None, hit.whole)
        state = [blake2b(name, digest_size=8).hexdigest(), 0, hit.time, hit.time, hit.value, hit.limit, hit.note, found]
        book.put(hit.key, state)
        yield self._alert(RAISED, hit.key, state, hit.time)

    def _subject(self, key: Key) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name, subject_text(value) if name in ADDRESSES else str(value))
            for name, value in zip(self._rule.fields, key, strict=True)
        )

    def _alert(self, state: str, key: Key, kept: list[Any], time: int) -> Alert:
        found: Evidence = recalled(kept[FOUND])
        subject = self._subject(key)
        return Alert(
            id=kept[ID],
            revision=kept[REVISION] + (state == RESOLVED),
            state=state,
            rule=self._rule.name,
            severity=self._rule.severity,
            subject=subject,
            summary=summary(self._rule, subject, kept[VALUE], kept[LIMIT], found, kept[NOTE]),
            time=time,
            first=found.first,
            last=found.last,
            count=found.n,
            packets=found.packets,
            bytes=found.bytes,
            value=kept[VALUE] if math.isfinite(kept[VALUE]) else 0.0,
            limit=kept[LIMIT],
            flow_ids=tuple(map(bytes.fromhex, found.ids)) if self._rule.about in {"records", "dns"} else (),
            query=query(self._rule, subject, found),
            tags=dict(self._rule.tags),
        )
