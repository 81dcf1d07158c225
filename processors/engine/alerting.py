"""Rules over the topics: `argosy alerts run`. One process looks at all partitions, for subjects cross them.

State, how far each topic was read, and alerts are published in one transaction. Whoever goes on after a crash reads the
state, and again the records that waited for their time to come; those that were looked at are known by their time.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from processors.alerts import Alerts
from processors.alerts.tables import dns_table, missing_table, names_table, probes_table, spans_table
from processors.engine.alert_clock import AlertClock
from processors.engine.alert_log import AlertLog
from processors.engine.batch_numbers import BatchNumbers
from processors.engine.measuring import newest_packet, note_age
from topics.alerts import alert_key, alert_partition, encode_alert
from topics.batch import concatenate
from topics.bus import Subscriber, decode_message, partition_count
from topics.bus.producer import ConfirmedProducer
from topics.bus.publisher import BROKER_SECONDS
from topics.bus.transactions import Transactions
from topics.definitions import ALERT_STATE, ALERTS, DEAD_LETTERS, DNS, FLOW_STATUS, NAMES, PROBES, SPANS
from topics.dns import decode_dns
from topics.errors import BusError
from topics.metrics import table
from topics.names import decode_name
from topics.probe_status import read_probe_status
from topics.spans import read_span_finding

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    import polars as pl

    from processors.alerts import Rules
    from processors.labels import Labeller
    from topics.alerts import Alert
    from topics.batch import FlowBatch
    from topics.bus import Received

INPUTS = {"records": FLOW_STATUS, "probes": PROBES, "dns": DNS, "names": NAMES, "spans": SPANS}
DECODERS: dict[str, Callable[[bytes], Any]] = {
    "records": decode_message,
    "probes": read_probe_status,
    "dns": decode_dns,
    "names": decode_name,
    "spans": read_span_finding,
}
TABLES: dict[str, Callable[[Any], pl.DataFrame]] = {
    "probes": lambda status: probes_table([status]),
    "dns": dns_table,
    "names": lambda name: names_table([name]),
    "spans": lambda finding: spans_table([finding]),
}
SECOND = 1_000_000_000
# How much later than others a record may be told: queries wait for their answers; records are on several partitions.
ALLOWANCES = {
    "records": SECOND // 20, "probes": 2 * SECOND, "dns": 35 * SECOND, "names": 35 * SECOND, "spans": 2 * SECOND,
}  # fmt: skip
RECEIVE_SECONDS = 0.1
SAVE_SECONDS = 1.0
IDLE_SECONDS = 10.0  # after which one that has nothing to do finds out whether another has taken over
END = 2**63 - 1
MOST_NUMBERS = 1 << 20  # bytes of text in a state about the runs of a partition: all that are known, but in extremes


@dataclass(frozen=True, slots=True)
class AlertingSettings:
    """Which topics to read and write, as which evaluator; `inputs` are topics by kind of input."""

    url: str
    group: str = "argosy-alerts"
    inputs: Mapping[str, str] = field(default_factory=lambda: {kind: topic.name for kind, topic in INPUTS.items()})
    alerts_topic: str = ALERTS.name
    state_topic: str = ALERT_STATE.name
    dead_letters: str = DEAD_LETTERS.name


@dataclass(slots=True)
class _Partition:
    """One partition: messages before `done` were looked at; `recent` are those whose records may wait still."""

    numbers: BatchNumbers
    done: int = 0
    recent: deque[tuple[int, int]] = field(default_factory=deque)

    def first(self, closed: int) -> int:
        """Return the first offset that a successor has to read."""
        while self.recent and self.recent[0][1] < closed:
            self.recent.popleft()
        return self.recent[0][0] if self.recent else self.done


@dataclass(slots=True)
class _Input:
    """One topic that is read."""

    kind: str
    clock: AlertClock
    partitions: dict[int, _Partition] = field(default_factory=dict)
    again: dict[int, int] = field(default_factory=dict)

    def reads_again(self, reached: dict[int, int]) -> bool:
        """Tell whether messages from before `again` (offsets by partition) are still to come."""
        for number in [number for number, done in self.again.items() if reached.get(number, 0) >= done]:
            del self.again[number]
            self.partitions[number].recent.popleft()  # it stood for all that was to be read again
        return bool(self.again)


class AlertingWorker:
    """Reads topics until it is told to stop. Raises BusError.

    Of several with one name the latest goes on, and the one before ends with an error.
    """

    def __init__(
        self,
        settings: AlertingSettings,
        rules: Rules,
        labeller: Labeller | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._clock = settings, clock
        self.engine = Alerts(rules.rules, rules.silences)
        self._labeller = labeller if self.engine.needs_labels else None
        wanted = self.engine.inputs | ({"records"} if "probes" in self.engine.inputs else set())

        def count(kind: str) -> int:
            return partition_count(settings.url, settings.inputs[kind])

        self._inputs = {
            kind: _Input(kind, AlertClock(ALLOWANCES[kind], count(kind))) for kind in INPUTS if kind in wanted
        }
        ConfirmedProducer(settings.url, BROKER_SECONDS).announce()
        self._transactions = Transactions(settings.url, BROKER_SECONDS, f"alerts-{settings.group}")
        self._partitions = partition_count(settings.url, settings.alerts_topic)
        self._log = AlertLog(settings.group)
        self._saved, self._moved = clock(), False
        self.records = self.alerts = 0
        self.rules = len(rules.rules)
        for state in self._log.read(settings.url, settings.state_topic):
            self._restore(state)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        subscribers = {kind: self._subscriber(kind) for kind in self._inputs}
        try:
            while not stop.is_set():
                self.step(subscribers)
            self._save([], subscribers)
        finally:
            for subscriber in subscribers.values():
                subscriber.close()

    def step(self, subscribers: dict[str, Subscriber[Any]]) -> None:
        """Take what came, and tell what it leads to."""
        waited_for = "records" if "records" in subscribers else next(iter(subscribers))
        for kind, subscriber in subscribers.items():
            received = subscriber.receive(RECEIVE_SECONDS if kind == waited_for else 0)
            if received:
                self._moved, begun = True, time.perf_counter()
                (self._take_records if kind == "records" else self._take_rows)(self._inputs[kind], received)
                table.BATCH_SECONDS.observe(time.perf_counter() - begun, "evaluate")
        alerts: list[Alert] = []
        for kind, each in self._inputs.items():
            if each.reads_again(subscribers[kind].reached):
                continue  # what waited when the state was saved has to wait here first
            alerts += self.engine.advance(each.clock.time(subscribers[kind].unread, self._clock()), kind)
        if alerts or self._clock() - self._saved >= (SAVE_SECONDS if self._moved else IDLE_SECONDS):
            self._save(alerts, subscribers)

    def _subscriber(self, kind: str) -> Subscriber[Any]:
        settings, partitions = self._settings, self._inputs[kind].partitions
        closed = self.engine.closed(kind)
        return Subscriber(
            settings.url,
            settings.inputs[kind],
            decode=DECODERS[kind],
            offsets={number: partition.first(closed) for number, partition in partitions.items()},
            dead_letters=settings.dead_letters,
        )

    def _take_records(self, source: _Input, received: list[Received[FlowBatch]]) -> None:
        fresh: list[FlowBatch] = []
        again: list[FlowBatch] = []
        for each in received:
            batch, partition = each.value, source.partitions.setdefault(each.partition, _Partition(BatchNumbers()))
            run, newest = (batch.site, batch.probe, batch.boot_id), newest_packet(batch)
            known = each.offset < partition.done
            before = sum(partition.numbers.missing.values())
            is_new = partition.numbers.take(run, batch.sequence, each.offset)
            if not known:  # else the clock was restored knowing it
                source.clock.hear(each.partition, run, _come(batch, newest), self._clock(), newest)
            partition.recent.append((each.offset, newest))
            partition.done = max(partition.done, each.offset + 1)
            if is_new and len(batch):
                (again if known else fresh).append(batch)
            if not known and sum(partition.numbers.missing.values()) > before:
                self._tell_missing(partition, run, newest)
        for batches, is_again in ((again, True), (fresh, False)):
            if batches and "records" in self.engine.inputs:
                self.engine.process(self._labelled(concatenate(batches)), again=is_again)
        self.records += sum(map(len, fresh))
        note_age("evaluated", max(map(newest_packet, fresh), default=0))

    def _tell_missing(self, partition: _Partition, run: tuple[str, str, int], time: int) -> None:
        site, probe, _ = run
        self.engine.process_table("probes", missing_table(time, site, probe, partition.numbers.missing[site, probe]))

    def _take_rows(self, source: _Input, received: list[Received[Any]]) -> None:
        for each in received:
            partition = source.partitions.setdefault(each.partition, _Partition(BatchNumbers()))
            frame = TABLES[source.kind](each.value)
            newest = int(frame["time"].max()) if frame.height else 0  # type: ignore[arg-type]  # whole numbers
            if frame.height and each.offset >= partition.done:
                source.clock.hear(each.partition, (source.kind, "", 0), newest, self._clock())
            partition.recent.append((each.offset, newest))
            self.engine.process_table(source.kind, frame, again=each.offset < partition.done)
            partition.done = max(partition.done, each.offset + 1)

    def _labelled(self, batch: FlowBatch) -> FlowBatch:
        return batch if self._labeller is None else self._labeller.process(batch)[0]

    def _save(self, alerts: list[Alert], subscribers: dict[str, Subscriber[Any]]) -> None:
        settings, whole = self._settings, self._log.wants_whole
        for subscriber in subscribers.values():
            subscriber.standing()  # dead letters are out then
        for alert in alerts:
            partition = alert_partition(alert, self._partitions)
            self._transactions.send(settings.alerts_topic, encode_alert(alert), partition, alert_key(alert))
        clocks = {kind: source.clock.save() for kind, source in self._inputs.items()}
        state = {"engine": self.engine.save(whole=whole), "offsets": self._offsets(subscribers), "clocks": clocks}
        for key, value in self._log.messages(state, whole=whole):
            self._transactions.send(settings.state_topic, value, 0, key)
        if not self._transactions.commit():
            raise BusError(f"{settings.url}: topic {settings.alerts_topic}: alerts were refused; start again")
        self.alerts += len(alerts)
        for alert in alerts:
            table.ALERTS_PUBLISHED.add(1, alert.rule, alert.severity, alert.state)
        self._saved, self._moved = self._clock(), False

    def _offsets(self, subscribers: dict[str, Subscriber[Any]]) -> dict[str, Any]:
        """Return by topic and partition: where a successor begins to read, what was looked at, numbers of batches."""
        offsets: dict[str, Any] = {}
        for kind, source in self._inputs.items():
            closed = self.engine.closed(kind) if kind in self.engine.inputs else END
            for number, reached in subscribers[kind].reached.items():  # past what could not be read, too
                partition = source.partitions.setdefault(number, _Partition(BatchNumbers()))
                partition.done = max(partition.done, reached)
            offsets[kind] = {
                str(number): [
                    first := partition.first(closed),
                    partition.done,
                    partition.numbers.text_at(first, MOST_NUMBERS),
                ]
                for number, partition in source.partitions.items()
            }
        return offsets

    def _restore(self, state: dict[str, Any]) -> None:
        self.engine.restore(state["engine"])
        for kind, clock in state["clocks"].items():
            if kind in self._inputs:
                self._inputs[kind].clock.restore(clock, self._clock())
        for kind, partitions in state["offsets"].items():
            if kind in self._inputs:
                for number, (first, done, numbers) in partitions.items():
                    source, waiting = self._inputs[kind], first < done
                    recent = deque([(first, END)] if waiting else [])
                    source.partitions[int(number)] = _Partition(BatchNumbers(numbers), done, recent)
                    source.again.pop(int(number), None)
                    source.again |= {int(number): done} if waiting else {}


def _come(batch: FlowBatch, newest: int) -> int:
    """Return how far a batch says that its run has come, ns."""
    return newest - batch.status_interval if len(batch) else batch.watermark
