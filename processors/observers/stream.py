"""The same over a stream without end: each flow leaves once all that may belong to it has come, in event time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.merge.recovery import offset_of, position
from processors.merge.stream import MergedFlows, Source, source_of
from processors.observers.match import Judge
from processors.observers.observations import observations
from topics.batch import FlowBatch
from topics.verdicts import UNJUDGED

if TYPE_CHECKING:
    from processors.observers.observations import Observations
    from processors.observers.settings import ObserverSettings
    from topics.batch import Observer

SECOND = 1_000_000_000
STEP = 10 * SECOND  # of event time between one look at what is held and the next
FOREVER = 2**62

Int64 = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(slots=True)
class _Held:
    """The flows of one message: where they came from, and what was said of them, UNJUDGED as long as they wait."""

    batch: FlowBatch
    seen: Observations
    positions: Int64
    verdicts: np.ndarray[Any, np.dtype[np.uint8]]

    def kept(self, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> _Held:
        return _Held(self.batch.select(rows), self.seen[rows], self.positions[rows], self.verdicts[rows])


class ObserverStream:
    """Marks the flows of all points, and puts each out once: `process` takes messages in the order of their offsets.

    A conversation is judged when all points are `wait` seconds of event time past its end, but for those that are
    `patience` behind the others; as long as there is one point, at once. What was judged is remembered for `memory`
    seconds: a flow that comes late still finds the primary one. Which flows leave, when and how, depends on the
    messages alone. After a restart, flows put out before (`recovered`) keep what was said of them; they are put out no
    more, but others follow them.
    """

    def __init__(self, settings: ObserverSettings) -> None:
        self._settings, self._judge = settings, Judge(settings)
        self._held: list[_Held] = []
        self._newest: dict[int, int] = {}
        self._observers: dict[int, Observer] = {}
        self._looked = 0
        self._known: dict[int, int] = {}
        self._last_known = -1
        self.sources: dict[Source, int] = {}

    def process(self, batch: FlowBatch, offset: int = 0) -> list[MergedFlows]:
        """Take the flows of a message; return those that are judged now."""
        if not len(batch):
            return []
        seen, positions = observations(batch.records), position(offset) + np.arange(len(batch))
        self._held.append(_Held(batch, seen, positions, self._said_before(positions)))
        self._observers.update(batch.observers)
        for observer in np.unique(seen["observer"]).tolist():
            latest = int(seen["end"][seen["observer"] == observer].max())
            self._newest[observer] = max(latest, self._newest.get(observer, 0))
        source = source_of(batch)
        self.sources[source] = max(int(seen["end"].max()), self.sources.get(source, 0))
        return [] if self._known else self._look(self._horizon())

    def flush(self, source: Source | None = None) -> list[MergedFlows]:
        """Judge all that waits: a source was silent for so long, or nothing follows."""
        self.sources = {} if source is None else {each: t for each, t in self.sources.items() if each != source}
        finished = self._look(FOREVER)
        if not self.sources:
            self._held = []
        return finished

    def lowest_offset(self) -> int | None:
        """Smallest offset of a flow that waits or is remembered: a successor has to remember as much."""
        return min((offset_of(int(held.positions.min())) for held in self._held), default=None)

    def recovered(self, batch: FlowBatch, last_positions: Int64) -> None:
        """Note flows that were put out before a restart, and their verdicts."""
        self._last_known = max(self._last_known, int(last_positions.max(initial=-1)))
        self._known.update(zip(last_positions.tolist(), batch.records["verdict"].tolist(), strict=True))

    def _said_before(self, positions: Int64) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return the verdicts on flows that were put out before a restart; until all have come, nothing is judged."""
        verdicts = np.zeros(len(positions), np.uint8)
        if self._known:
            verdicts[:] = [self._known.pop(at, UNJUDGED) for at in positions.tolist()]
            if positions[-1] >= self._last_known:  # what is missing is not in the log any more
                self._known.clear()
        return verdicts

    def _horizon(self) -> int:
        """Up to when conversations have ended of which nothing more is expected."""
        if len(self._newest) == 1 or sum(map(len, (held.batch for held in self._held))) > self._settings.most_flows:
            return FOREVER
        newest = max(self._newest.values())
        limit = newest - round(self._settings.patience * SECOND)
        slowest = min(time for time in self._newest.values() if time >= limit)
        return slowest - round(self._settings.wait * SECOND)

    def _look(self, horizon: int) -> list[MergedFlows]:
        if not self._held or horizon < self._looked + STEP:
            return []
        if horizon < FOREVER:
            self._looked = horizon
        seen = np.concatenate([held.seen for held in self._held])
        verdicts = np.concatenate([held.verdicts for held in self._held])
        waiting, texts = self._judge.judge(seen, verdicts, self._observers, horizon)
        finished = self._taken(waiting, verdicts, texts)
        self._forget()
        return finished

    def _taken(self, leaving: Int64, verdicts: Any, texts: dict[int, bytes]) -> list[MergedFlows]:  # noqa: ANN401 - an array
        """Return the rows that leave, with what was said of them, message by message."""
        finished, start = [], 0
        for held in self._held:
            stop = start + len(held.batch)
            rows = leaving[(leaving >= start) & (leaving < stop)] - start
            held.verdicts = verdicts[start:stop]
            if len(rows):
                part = held.batch.select(rows)
                part.records["verdict"] = held.verdicts[rows]
                told = {place: texts[row] for place, row in enumerate((rows + start).tolist()) if row in texts}
                finished.append(_merged(self._judge.labelled(part, told), held.positions[rows]))
            start = stop
        return finished

    def _forget(self) -> None:
        """Let go of what was judged, but for what late flows may still belong to."""
        since = max(self._newest.values()) - round((self._settings.wait + self._settings.memory) * SECOND)
        kept = [held.kept((held.verdicts == UNJUDGED) | (held.seen["end"] >= since)) for held in self._held]
        self._held = [held for held in kept if len(held.batch)]


def _merged(batch: FlowBatch, positions: Int64) -> MergedFlows:
    header = {field.name: getattr(batch, field.name) for field in fields(FlowBatch)}
    return MergedFlows(**header, last_positions=positions)
