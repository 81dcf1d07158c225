"""The processor: flows of all points in, the same flows out, each knowing whether it is the one that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from processors.labels.text import replaced, value_text
from processors.observers.clocks import Clocks
from processors.observers.conclusions import concluded
from processors.observers.grouping_kernel import group
from processors.observers.observations import OBSERVATION, observations
from processors.observers.settings import ObserverSettings
from topics.batch import FlowBatch, concatenate
from topics.verdicts import FURTHER, PRIMARY, UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.observers.observations import Observations
    from topics.batch import Observer

SECOND = 1_000_000_000
FOREVER = 2**62
ARRAYS = ("sequences",)
RANKS = np.array([0, 1, -1])  # by verdict: who was primary stays it, who was not does not become it

Int64 = np.ndarray[Any, np.dtype[np.int64]]
Verdicts = np.ndarray[Any, np.dtype[np.uint8]]


class Judge:
    """Says of observations which count; remembers what was learned of clocks."""

    def __init__(self, settings: ObserverSettings) -> None:
        self._tolerance = round(settings.tolerance * SECOND)
        self._clocks = Clocks()

    def judge(
        self, seen: Observations, verdicts: Verdicts, observers: Mapping[int, Observer], horizon: int = FOREVER
    ) -> tuple[Int64, dict[int, bytes]]:
        """Judge the UNJUDGED rows of conversations that ended before `horizon` (ns), filling in `verdicts`.

        Returns their numbers, and the labels of those whose conversation was seen at several points. Verdicts that were
        given before stay, and others follow them.
        """
        numbers, count = conversations(seen, self._tolerance)
        ended = np.full(count, -FOREVER)
        np.maximum.at(ended, numbers, seen["end"])
        waiting = np.zeros(count, bool)
        waiting[numbers[verdicts == UNJUDGED]] = True
        due = np.flatnonzero((waiting & (ended <= horizon))[numbers])
        leaving = due[verdicts[due] == UNJUDGED]
        if not len(leaving) or (seen["observer"] == seen["observer"][0]).all():
            verdicts[leaving] = PRIMARY
            return leaving, {}
        columns = {name: seen[name][due] for name in OBSERVATION.names or () if name not in ARRAYS}
        said = {"row": due, "group": numbers[due], "said": RANKS[verdicts[due]]}
        results = concluded(pl.DataFrame({**columns, **said}), _names(observers, seen), self._clocks)
        results = results.filter(pl.Series(verdicts[results["row"].to_numpy()] == UNJUDGED, dtype=pl.Boolean))
        rows = results["row"].to_numpy()
        verdicts[leaving] = PRIMARY
        verdicts[rows] = np.where(results["primary"].to_numpy(), PRIMARY, FURTHER)
        return leaving, dict(zip(rows.tolist(), (text.encode() for text in results["labels"]), strict=True))

    @staticmethod
    def labelled(batch: FlowBatch, texts: Mapping[int, bytes]) -> FlowBatch:
        """Put labels behind the heap of a batch, by row: of a key that a record has already, the new one stays."""
        if not texts:
            return batch
        rows, added = np.fromiter(texts, np.int64, len(texts)), list(texts.values())
        for place in np.flatnonzero(batch.records["labels_length"][rows]).tolist():
            added[place] = replaced(batch.heap_value(int(rows[place]), "labels"), added[place])
        lengths = np.fromiter(map(len, added), np.int64, len(added))
        batch.records["labels_offset"][rows] = len(batch.heap) + np.cumsum(lengths) - lengths
        batch.records["labels_length"][rows] = lengths
        heap = np.concatenate([batch.heap, np.frombuffer(b"".join(added), np.uint8)])
        return batch.replace(heap=heap)


class ObserverMatch:
    """Finds conversations that were seen at several points.

    Flows are held until `flush`, which gives them back in their order: `verdict` is PRIMARY or FURTHER, and labels tell
    who saw the conversation (`cor`, in path order), how many packets (`corpkts`), and how the observations differ.
    """

    def __init__(self, settings: ObserverSettings | None = None) -> None:
        self._judge = Judge(settings or ObserverSettings())
        self._held: list[FlowBatch] = []

    def process(self, batch: FlowBatch) -> list[FlowBatch]:
        """Hold a batch of merged flows."""
        if len(batch):
            self._held.append(batch)
        return []

    def flush(self) -> list[FlowBatch]:
        """Judge all that is held and give it back."""
        batches, self._held = self._held, []
        if not batches:
            return []
        whole = concatenate(batches)
        verdicts = np.zeros(len(whole), np.uint8)
        _, texts = self._judge.judge(observations(whole.records), verdicts, whole.observers)
        whole.records["verdict"] = verdicts
        judged = self._judge.labelled(whole, texts)
        edges = np.cumsum([0, *map(len, batches)]).tolist()
        return [
            part.replace(records=judged.records[start:stop], heap=judged.heap, observers=judged.observers)
            for part, start, stop in zip(batches, edges, edges[1:], strict=False)
        ]


def conversations(seen: Observations, tolerance: int) -> tuple[Int64, int]:
    """Return the number of the conversation of each observation, and how many there are."""
    order = np.lexsort((seen["observer"], seen["start"], seen["key"]))
    ordered = {name: np.ascontiguousarray(seen[name][order]) for name in OBSERVATION.names or ()}
    groups = np.zeros(len(seen), np.int64)
    count = group(
        ordered["key"],
        ordered["observer"],
        ordered["start"],
        ordered["end"],
        ordered["sequences"],
        tolerance,
        groups,
    )
    numbers = np.empty(len(seen), np.int64)
    numbers[order] = groups
    return numbers, count


def warm_up() -> None:
    """Compile the kernel."""
    conversations(np.zeros(2, OBSERVATION), 1)


def _names(observers: Mapping[int, Observer], seen: Observations) -> pl.DataFrame:
    """Return what each point is called in labels: as `srcid` prints it."""
    known = np.unique(seen["observer"]).tolist()
    names = []
    for number in known:
        point = observers.get(number)
        words = [point.probe, point.interface] if point else [f"{number:012x}"]
        names.append(value_text("/".join(filter(None, words))))
    return pl.DataFrame({"observer": known, "name": names}, schema={"observer": pl.Int64, "name": pl.String})
