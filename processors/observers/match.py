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
from topics.verdicts import FURTHER, PRIMARY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.observers.observations import Observations
    from topics.batch import Observer

SECOND = 1_000_000_000
ARRAYS = ("sequences",)


class ObserverMatch:
    """Finds conversations that were seen at several points; `shared` counts them, `flows` all flows.

    Flows are held until `flush`, which gives them back in their order: `verdict` is PRIMARY or FURTHER, and labels tell
    who saw the conversation (`cor`, in path order), how many packets (`corpkts`), and how the observations differ.
    """

    def __init__(self, settings: ObserverSettings | None = None) -> None:
        self._tolerance = round((settings or ObserverSettings()).tolerance * SECOND)
        self._clocks = Clocks()
        self._held: list[FlowBatch] = []
        self.flows = self.shared = self.further = 0

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
        judged = self.judged(whole)
        edges = np.cumsum([0, *map(len, batches)]).tolist()
        return [
            part.replace(records=judged.records[start:stop], heap=judged.heap, observers=judged.observers)
            for part, start, stop in zip(batches, edges, edges[1:], strict=False)
        ]

    def judged(self, batch: FlowBatch) -> FlowBatch:
        """Return flows with their verdicts and labels, which are written into the records given."""
        seen = observations(batch.records)
        self.flows += len(seen)
        batch.records["verdict"] = PRIMARY
        if len(seen) and (seen["observer"] == seen["observer"][0]).all():
            return batch
        numbers, _ = conversations(seen, self._tolerance)
        columns = {name: seen[name] for name in OBSERVATION.names or () if name not in ARRAYS}
        flows = pl.DataFrame({**columns, "row": np.arange(len(seen)), "group": numbers})
        results = concluded(flows, _names(batch.observers, seen), self._clocks)
        rows = results["row"].to_numpy()
        batch.records["verdict"][rows] = np.where(results["primary"].to_numpy(), PRIMARY, FURTHER)
        self.further += int((~results["primary"]).sum())
        self.shared += len(np.unique(numbers[rows]))
        return _labelled(batch, rows, results["labels"].to_list())


def conversations(seen: Observations, tolerance: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], int]:
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


def _labelled(batch: FlowBatch, rows: np.ndarray[Any, np.dtype[np.int64]], texts: list[str]) -> FlowBatch:
    """Put new labels behind the heap: of a key that a record has already, the new one stays."""
    added = [text.encode() for text in texts]
    for place in np.flatnonzero(batch.records["labels_length"][rows]).tolist():
        added[place] = replaced(batch.heap_value(int(rows[place]), "labels"), added[place])
    lengths = np.fromiter(map(len, added), np.int64, len(added))
    batch.records["labels_offset"][rows] = len(batch.heap) + np.cumsum(lengths) - lengths
    batch.records["labels_length"][rows] = lengths
    heap = np.concatenate([batch.heap, np.frombuffer(b"".join(added), np.uint8)])
    return batch.replace(heap=heap)
