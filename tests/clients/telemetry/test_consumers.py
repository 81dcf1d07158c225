import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from prometheus_client import generate_latest

from clients.telemetry.consumers import of_sink, of_worker
from clients.telemetry.exposition import Reading, registry
from processors.engine.state import StateKeeper
from sinks.kafka import SinkState
from topics.metrics import table
from topics.metrics.vitals import VITALS

MOMENT = 0.5  # seconds; a race that threads can lose is lost within a few hundredths


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
            keeper.update(merges, {"named": 2, "refusals": 1, "files_refused": 1})  # type: ignore[arg-type]
    return keeper


def test_what_was_given_away_still_counts() -> None:
    who = ("site", "probe")
    first = Merge(10, 1, 2, {who: 3}, {who: 50})
    second = Merge(5, 0, 1, {who: 1}, {who: 40})
    state = keep(([first, second], False)).state
    assert (state.records, state.refused, state.replays) == (15, 1, 3)
    assert (state.missing, state.watermarks) == ({who: 4}, {who: 40})
    state = keep(([first, second], True), ([Merge(1)], False)).state
    assert (state.records, state.refused, state.replays) == (16, 1, 3)
    assert (state.missing, state.watermarks) == ({who: 4}, {})


def samples(readings: Iterable[Reading]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for metric, values in readings:
        by_labels = {(): values} if isinstance(values, int | float) else values
        found |= {(metric.name, *labels): value for labels, value in by_labels.items()}
    return found


def test_the_state_becomes_metrics() -> None:
    who = ("site", "probe")
    keeper = keep(([Merge(10, 1, 2, {who: 3}, {who: 50_000_000_000})], False))
    found = samples(of_worker(keeper.state))
    assert found["argosy_worker_records_total",] == 10
    assert found["argosy_worker_replayed_batches_total",] == 2
    assert found["argosy_worker_missing_batches_total", "site", "probe"] == 3
    assert found["argosy_worker_watermark_timestamp_seconds", "site", "probe"] == 50
    names = ("named_flows_total", "list_refusals_total", "refused_lists")
    assert [found[f"argosy_worker_{name}",] for name in names] == [2, 1, 1]
    found = samples(of_sink(SinkState(2_000_000_000, 3)))
    assert found["argosy_sink_event_timestamp_seconds",] == 2
    assert found["argosy_sink_held_bytes",] == 3


@contextmanager
def threads_change_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_a_scrape_bears_that_what_it_reads_changes_meanwhile() -> None:
    keeper, done, failures = StateKeeper(), threading.Event(), list[Exception]()
    merge = Merge()

    def own() -> None:
        number = 0
        try:
            while not done.is_set():
                number += 1
                word, some = str(number % 97), range(number % 7 * 100)
                merge.missing = {("site", str(each)): each for each in some}
                merge.times = dict(merge.missing)
                keeper.update([merge], {"named": number})  # type: ignore[list-item]  # as much as is read
                table.LAG_MESSAGES.replace({("topic", "group", str(each)): 1 for each in some}, "topic", "group")
                table.PACKET_AGE.observe(1.0, word)
                table.LOG_LINES.add(1, word)
                VITALS.turned(word)
                VITALS.ended(str(number % 89))
                VITALS.settle(word, "")
                VITALS.forget(str(number % 83))
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    owner = threading.Thread(target=own)
    made = registry("worker", "1", lambda: of_worker(keeper.state))
    with threads_change_often():
        owner.start()
        try:
            assert b"argosy_worker_missing_batches_total" in generate_latest(made)
            end = time.monotonic() + MOMENT
            while time.monotonic() < end:
                samples(of_worker(keeper.state))
                for look in (table.LAG_MESSAGES.read, table.PACKET_AGE.read, VITALS.alive, VITALS.ready):
                    look()
        finally:
            done.set()
            owner.join()
            VITALS.reset()
            table.forget()
    assert not failures
