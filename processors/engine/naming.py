"""Payloads of the control plane on Kafka into transactions and names: `argosy names`."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from confluent_kafka import TopicPartition

from processors.dns import DnsSettings, DnsTransactions
from processors.engine.batch_numbers import BatchNumbers
from processors.engine.measuring import count_dns, note_age
from processors.engine.name_progress import noted, published
from processors.engine.notes import numbers
from processors.names import Naming
from topics.bus import Subscriber, partition_count
from topics.bus.producer import ConfirmedProducer
from topics.bus.publisher import BROKER_SECONDS
from topics.bus.snapshot import Snapshot
from topics.bus.transactions import Transactions
from topics.control import decode_control
from topics.definitions import CONTROL, DEAD_LETTERS, DNS, NAMES
from topics.dns import address_partition, encode_dns_messages, split_dns
from topics.errors import BusError
from topics.metrics import table
from topics.names import decode_name, encode_name, name_key

if TYPE_CHECKING:
    import threading

    from topics.bus import Received
    from topics.control import ControlBatch
    from topics.dns import DnsBatch
    from topics.names import AddressName

RECEIVE_SECONDS = 0.25
MESSAGE_BYTES = 256 * 1024
MOST_REFUSALS = 10  # a few come of members that join and leave, and of brokers that restart
MEMORY = 2  # times the patience of a query: what happened before it has no part in what waits now

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NamingSettings:
    """Which topics to read and write, as which group."""

    url: str
    group: str = "argosy-names"
    input_topic: str = CONTROL.name
    dns_topic: str = DNS.name
    names_topic: str = NAMES.name
    dead_letters: str = DEAD_LETTERS.name
    dns: DnsSettings = field(default_factory=DnsSettings)


@dataclass(slots=True)
class _Partition:
    """One partition of the input: its own state, and the messages a successor has to read, as (offset, time).

    What was made of messages before `done` is published. `numbers` tell messages that a probe sent again.
    """

    naming: Naming
    numbers: BatchNumbers
    done: int = 0
    recent: deque[tuple[int, int]] = field(default_factory=deque)
    clock: int = 0


class NamingWorker:
    """Reads payloads as a member of a group until it is told to stop.

    What messages lead to is published in one transaction with the offset from which a successor has to read to know
    what waits for an answer, and, beside it, the offset from which it has to publish. So each transaction of DNS is
    published once, whatever crashes; names go on under the same key, known again from their topic. When the brokers
    refuse it, all since the last one is read again. What a probe sends again after a crash is left out. Raises
    BusError. When `stop` is set it ends: brokers that do not answer then are not waited for, what they have not
    confirmed is made again by whoever comes next.
    """

    def __init__(self, settings: NamingSettings, stop: threading.Event) -> None:
        self._settings, self._stop = settings, stop
        self._partitions: dict[int, _Partition] = {}
        self._told: dict[int, list[AddressName]] | None = None
        self._committed: list[tuple[int, int, str | None]] = []
        self._subscriber: Subscriber[ControlBatch] | None = None
        ConfirmedProducer(settings.url, BROKER_SECONDS).announce()
        self._transactions = Transactions(settings.url, BROKER_SECONDS, given_up=stop.is_set)
        self._counts = {
            topic: partition_count(settings.url, topic) for topic in (settings.dns_topic, settings.names_topic)
        }
        self._refusals = 0
        self.transactions = self.names = 0

    def run(self) -> None:
        """Work until it is told to stop."""
        try:
            self._work()
        except BusError:
            if not self._stop.is_set():
                raise

    def _work(self) -> None:
        settings = self._settings
        subscriber: Subscriber[ControlBatch] = Subscriber(
            settings.url,
            settings.input_topic,
            settings.group,
            decode=decode_control,
            dead_letters=settings.dead_letters,
            assigned=self._forget,
            revoked=self._forget,
        )
        self._subscriber = subscriber
        with subscriber:
            while not self._stop.is_set():
                for received in subscriber.receive(RECEIVE_SECONDS):
                    begun = time.perf_counter()
                    self._take(received, subscriber)
                    table.BATCH_SECONDS.observe(time.perf_counter() - begun, "name")
                self._settle(subscriber)

    def _take(self, received: Received[ControlBatch], subscriber: Subscriber[ControlBatch]) -> None:
        partition = self._partitions.get(received.partition)
        if partition is None:
            partition = self._partitions[received.partition] = self._opened(subscriber, received.partition)
        batch = received.value.replace(partition=received.partition)
        if partition.numbers.take((batch.site, batch.probe, batch.boot_id), batch.sequence, received.offset):
            transactions, names = partition.naming.process(batch)
            if received.offset >= partition.done:
                self._publish(transactions, [name._replace(partition=received.partition) for name in names])
        partition.done = max(partition.done, received.offset + 1)
        latest = int(batch.records["time"].max()) if len(batch) else partition.clock
        note_age("named", latest if len(batch) else 0)
        partition.clock = max(partition.clock, latest)
        partition.recent.append((received.offset, latest))

    def _opened(self, subscriber: Subscriber[ControlBatch], number: int) -> _Partition:
        """Return a partition as its last owner left it, but for what is still to be read again."""
        note = subscriber.note(number)
        naming = Naming(DnsTransactions(self._settings.dns), with_table=False)
        partition = _Partition(naming, BatchNumbers(numbers(note)), published(note))
        for name in self._names_told().get(number, ()) if partition.done else ():
            partition.naming.recall(name)
        return partition

    def _names_told(self) -> dict[int, list[AddressName]]:
        """Return the names in their topic by the partition that they come from."""
        if self._told is None:
            self._told = {}
            for _, _, name in Snapshot(self._settings.url, self._settings.names_topic, decode_name):
                self._told.setdefault(name.partition, []).append(name)
        return self._told

    def _publish(self, transactions: DnsBatch, names: list[AddressName]) -> None:
        settings = self._settings
        for part in split_dns(transactions, self._counts[settings.dns_topic]):
            for message in encode_dns_messages(part, MESSAGE_BYTES):
                self._transactions.send(settings.dns_topic, message, part.partition)
        for name in names:
            partition = address_partition(name.address, self._counts[settings.names_topic])
            self._transactions.send(settings.names_topic, encode_name(name), partition, name_key(name))
        self.transactions += len(transactions)
        self.names += len(names)
        count_dns(transactions)
        table.NAMES_PUBLISHED.add(len(names))

    def _settle(self, subscriber: Subscriber[ControlBatch]) -> None:
        """Let what was published count."""
        self._told = None
        for number, reached in subscriber.reached.items():  # past what could not be read too
            partition = self._partitions.get(number)
            if partition is None:
                partition = self._partitions[number] = self._opened(subscriber, number)
            partition.done = max(partition.done, reached)
        places = self._places()
        said = [(place.partition, place.offset, place.metadata) for place in places]
        if said == self._committed:
            return
        if self._transactions.commit(places, subscriber.standing()):
            self._committed, self._refusals = said, 0
        else:
            self._read_again(subscriber)

    def _read_again(self, subscriber: Subscriber[ControlBatch]) -> None:
        """Begin anew at the committed offsets, unless that has been of no use."""
        self._refusals += 1
        reason = self._transactions.refusal
        if self._refusals == MOST_REFUSALS:
            raise BusError(f"{self._settings.url}: names were refused {MOST_REFUSALS} times in a row ({reason})")
        log.warning("names were refused, their input is read again", reason=reason)
        self._forget([])
        subscriber.rewind()

    def _places(self) -> list[TopicPartition]:
        """Return by partition the first offset that a successor has to read, and to publish."""
        places = []
        for number, partition in self._partitions.items():
            recent = partition.recent
            while recent and recent[0][1] < partition.clock - MEMORY * self._settings.dns.timeout and len(recent) > 1:
                recent.popleft()
            first = recent[0][0] if recent else partition.done
            note = noted(partition.done, partition.numbers.text_at(first))
            places.append(TopicPartition(self._settings.input_topic, number, first, note))
        return places

    def _forget(self, _partitions: list[int]) -> None:
        """Begin anew at the committed offsets, whichever partitions come or stay."""
        self._transactions.abort()
        self._partitions.clear()
        if self._subscriber is not None:
            self._subscriber.reached.clear()
        self._committed = []
