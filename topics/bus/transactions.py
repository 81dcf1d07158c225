"""Messages and the offsets of the input they were made of, all of it at once or nothing: Kafka's transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Producer

from topics.bus.administration import refused
from topics.bus.client import producer_settings
from topics.bus.fatal import served
from topics.bus.producer import POLL_SECONDS, QUEUE_KILOBYTES, count_produced
from topics.bus.rights import TRANSACTIONS
from topics.bus.stuck import StuckError, within
from topics.bus.transient import patiently
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import TopicPartition

OPEN_MILLISECONDS = 15_000  # how long readers wait for a transaction whose producer died
AT_ONCE_SECONDS = 5.0
STUCK_SECONDS = 3 * AT_ONCE_SECONDS  # a call that lasts so long has forgotten its time limit


class Transactions:
    """Sends messages that nobody reads before `commit`, and that nobody ever reads without it.

    Members of a consumer group are fenced by its generation: one that lost its partitions cannot commit. Every method
    raises BusError when the brokers refuse or stay away for `patience` seconds. With a `name`, whoever comes later
    under the same one takes over: what the elder sends after that is refused. When `given_up` says so, the brokers are
    not asked again. `refusal` says why a transaction was refused last.
    """

    def __init__(self, url: str, patience: float, name: str = "", given_up: Callable[[], bool] = lambda: False) -> None:
        self._url, self._patience, self._given_up = url, patience, given_up
        self._open = False
        self.refusal = ""
        self._name = f"{TRANSACTIONS}{name or uuid4()}"
        self._producer = self._make()

    def _make(self) -> Producer:
        """Return a producer that goes on in place of any other one of the same name."""
        producer = Producer(
            producer_settings(self._url)
            | {
                "transactional.id": self._name,
                "transaction.timeout.ms": OPEN_MILLISECONDS,
                "delivery.timeout.ms": OPEN_MILLISECONDS,
                "linger.ms": 5,
                "queue.buffering.max.kbytes": QUEUE_KILOBYTES,
            }
        )
        self._call(producer.init_transactions)
        return producer

    def send(self, topic: str, value: bytes, partition: int, key: bytes | None = None) -> None:
        """Queue a message of the transaction that is under way, waiting while the queue is full.

        Of one that the brokers have refused meanwhile nothing more is sent: `commit` tells.
        """
        self._begin()
        while True:
            try:
                self._producer.produce(topic, value, key=key, partition=partition)
            except BufferError:
                served(self._url, lambda: self._producer.poll(POLL_SECONDS))
            except KafkaException as error:
                if error.args[0].code() == KafkaError._STATE:  # noqa: SLF001 - its public name
                    return
                raise BusError(f"{self._url}: topic {topic}: {refused(error.args[0])}") from None
            else:
                count_produced(topic, value)
                return

    def commit(self, places: Sequence[TopicPartition] = (), standing: Any = None) -> bool:  # noqa: ANN401 - an opaque object of librdkafka
        """Let messages be read and offsets count, if any, for a consumer whose `standing` is that in its group.

        False when that was refused, as after a rebalance or when the brokers were away for long: then nothing was
        sent, and all that it was made of has to be read again.
        """
        self._begin()
        try:
            if places:
                self._send_offsets(list(places), standing)
            self._ask(self._producer.commit_transaction)
        except StuckError:
            self._leave_producer()
            return False
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise BusError(f"{self._url}: {refused(error.args[0])}") from None
            self.refusal = refused(error.args[0])
            self.abort()
            return False
        self._open = False
        return True

    def _send_offsets(self, places: list[TopicPartition], standing: Any) -> None:  # noqa: ANN401 - as of commit
        """Send offsets; raises KafkaException, and StuckError when that does not come to an end.

        librdkafka 2.16 keeps no time limit here, and may wait for ever for a coordinator that went away: its issues
        5456 and 5511.
        """
        send = self._producer.send_offsets_to_transaction
        self._ask(lambda left: within(STUCK_SECONDS, lambda: send(places, standing, left), self._given_up))

    def _leave_producer(self) -> None:
        """Go on with another producer: the one we had may never come back, and what it has sent is not read."""
        self.refusal = "the coordinator of the group did not answer"
        self._open = False
        if not self._given_up():
            self._producer = self._make()

    def abort(self) -> None:
        """Forget what was sent since the last commit."""
        if self._open:
            self._open = False
            self._call(self._producer.abort_transaction)

    def _begin(self) -> None:
        if not self._open:
            self._open = True
            self._call(lambda _: self._producer.begin_transaction())

    def _ask(self, ask: Callable[[float], object]) -> None:
        patiently(ask, self._patience, self._given_up, AT_ONCE_SECONDS)

    def _call(self, ask: Callable[[float], object]) -> None:
        try:
            self._ask(ask)
        except KafkaException as error:
            raise BusError(f"{self._url}: {refused(error.args[0])}") from None
