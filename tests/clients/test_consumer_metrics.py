from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from clients.consumer_metrics import SinkCollector, WorkerCollector
from processors.engine.state import StateKeeper
from sinks.kafka import SinkState


@dataclass
class Merge:
    """What a keeper reads of a partition."""

    records: int = 0
    refused: int = 0
    replays: int = 0
    missing: dict[tuple[str, str], int] = field(default_factory=dict)
    times: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def numbers(self) -> Any:
        return SimpleNamespace(replays=self.replays, missing=self.missing)

    def watermarks(self) -> dict[tuple[str, str], int]:
        return self.times


def keep(*rounds: tuple[list[Merge], bool]) -> StateKeeper:
    keeper = StateKeeper()
    for merges, retired in rounds:
        if retired:
            keeper.retire(merges)  # type: ignore[arg-type]  # as much of a partition as is read
        else:
            keeper.update(merges, {0: 7}, {"named": 2, "refusals": 1, "files_refused": 1})  # type: ignore[arg-type]
    return keeper


def test_what_was_given_away_still_counts() -> None:
    who = ("site", "probe")
    first = Merge(10, 1, 2, {who: 3}, {who: 50})
    second = Merge(5, 0, 1, {who: 1}, {who: 40})
    state = keep(([first, second], False)).state
    assert (state.records, state.refused, state.replays) == (15, 1, 3)
    assert (state.missing, state.watermarks, state.lag) == ({who: 4}, {who: 40}, {0: 7})
    state = keep(([first, second], True), ([Merge(1)], False)).state
    assert (state.records, state.refused, state.replays) == (16, 1, 3)
    assert (state.missing, state.watermarks) == ({who: 4}, {})


def samples(collector: Any) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in collector.collect()
        for sample in metric.samples
    }


def test_the_state_becomes_metrics() -> None:
    who = ("site", "probe")
    keeper = keep(([Merge(10, 1, 2, {who: 3}, {who: 50_000_000_000})], False))
    found = samples(WorkerCollector(lambda: keeper.state))
    assert found["argosy_worker_records_total",] == 10
    assert found["argosy_worker_replays_total",] == 2
    assert found["argosy_worker_lag_messages", "0"] == 7
    assert found["argosy_worker_missing_batches", "site", "probe"] == 3
    assert found["argosy_worker_watermark_seconds", "site", "probe"] == 50
    names = ("named_total", "refusals_total", "files_refused")
    assert [found[f"argosy_worker_label_{name}",] for name in names] == [2, 1, 1]
    found = samples(SinkCollector(lambda: SinkState(4, 1, 2_000_000_000, {1: 3})))
    assert found["argosy_sink_records_total",] == 4
    assert found["argosy_sink_lag_messages", "1"] == 3
    assert found["argosy_sink_event_time_seconds",] == 2
