"""Payloads of the control plane on Kafka into transactions and names: `argosy names`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processors.dns import DnsSettings, DnsTransactions
from processors.names import Naming
from topics.bus import Subscriber, partition_count
from topics.bus.producer import ConfirmedProducer
from topics.bus.publisher import BROKER_SECONDS
from topics.control import decode_control
from topics.definitions import CONTROL, DEAD_LETTERS, DNS, NAMES
from topics.dns import address_partition, encode_dns_messages, split_dns
from topics.names import encode_name, name_key

if TYPE_CHECKING:
    import threading

    from topics.bus import Received
    from topics.control import ControlBatch
    from topics.dns import DnsBatch
    from topics.names import AddressName

RECEIVE_SECONDS = 0.25
MESSAGE_BYTES = 256 * 1024


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
    """One partition of the input: its own state, and the messages that queries may still wait in, as (offset, time)."""

    naming: Naming
    recent: deque[tuple[int, int]] = field(default_factory=deque)
    clock: int = 0
    next: int = 0


class NamingWorker:
    """Reads payloads as a member of a group until it is told to stop.

    An offset is committed when everything made of the messages before it is confirmed, and no query in them can wait
    for its answer any more. So a crash loses nothing; transactions of the last seconds before it come again, names
    under the same key. Raises BusError.
    """

    def __init__(self, settings: NamingSettings) -> None:
        self._settings = settings
        self._partitions: dict[int, _Partition] = {}
        self._producer = ConfirmedProducer(settings.url, BROKER_SECONDS)
        self._producer.announce()
        self._counts = {
            topic: partition_count(settings.url, topic) for topic in (settings.dns_topic, settings.names_topic)
        }
        self.transactions = self.names = 0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
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
        with subscriber:
            while not stop.is_set():
                for received in subscriber.receive(RECEIVE_SECONDS):
                    self._take(received)
                self._producer.flush()
                subscriber.commit(self._settled())

    def _take(self, received: Received[ControlBatch]) -> None:
        partition = self._partitions.get(received.partition)
        if partition is None:
            naming = Naming(DnsTransactions(self._settings.dns))
            partition = self._partitions[received.partition] = _Partition(naming)
        batch = received.value.replace(partition=received.partition)
        self._publish(*partition.naming.process(batch))
        latest = int(batch.records["time"].max()) if len(batch) else partition.clock
        partition.clock, partition.next = max(partition.clock, latest), received.offset + 1
        partition.recent.append((received.offset, latest))

    def _publish(self, transactions: DnsBatch, names: list[AddressName]) -> None:
        settings = self._settings
        for part in split_dns(transactions, self._counts[settings.dns_topic]):
            for message in encode_dns_messages(part, MESSAGE_BYTES):
                self._producer.send(settings.dns_topic, message, part.partition)
        for name in names:
            partition = address_partition(name.address, self._counts[settings.names_topic])
            self._producer.send(settings.names_topic, encode_name(name), partition, name_key(name))
        self.transactions += len(transactions)
        self.names += len(names)

    def _settled(self) -> dict[int, int]:
        """Return by partition the first offset that a successor has to read."""
        for partition in self._partitions.values():
            while partition.recent and partition.recent[0][1] < partition.clock - self._settings.dns.timeout:
                partition.recent.popleft()
        return {
            number: partition.recent[0][0] if partition.recent else partition.next
            for number, partition in self._partitions.items()
        }

    def _forget(self, _partitions: list[int]) -> None:
        """Begin anew at the committed offsets, whichever partitions come or stay."""
        self._partitions.clear()
