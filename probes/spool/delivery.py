"""To the brokers, from the spool and past it: in order, as often as it takes; what they confirm leaves the spool."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, Producer

from probes.spool.entry import Priority
from topics.bus.administration import refused
from topics.bus.client import producer_settings
from topics.bus.fatal import served
from topics.bus.producer import count_produced
from topics.bus.schemas import Announcement
from topics.errors import BusError

if TYPE_CHECKING:
    from confluent_kafka import Message

    from probes.spool.carried import Carried
    from probes.spool.entry import Entry
    from probes.spool.lane import Lane, Ticket
    from probes.spool.spool import Spool

QUEUE_KILOBYTES = 96 * 1024
LINGER_MILLISECONDS = 5
BACKOFF_SECONDS = 2.0
NEVER = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_MSG,
    }
)


class Delivery:
    """Sends what the spool hands out. Belongs to the thread of the spool; `step` never waits for a broker.

    One that `announces` first tells the bus the schemas that messages are written with. Messages of one lane stay in
    order: there is no time limit after which a message would fail while later ones go through. Where the brokers refuse
    all the same (no such topic, no right to write), the lane waits until everything of it came back, and begins again
    at the first entry that is not confirmed.
    """

    def __init__(self, url: str, spool: Spool, carried: Carried, *, announces: bool = False) -> None:
        self._url, self._spool, self._carried, self._announces = url, spool, carried, announces
        self.messages = self.records = 0
        self.trouble = ""
        self._flying: dict[Priority, int] = {}
        self._resume: dict[Priority, float] = {}
        self._announcement: Announcement | None = None
        self._producer = self._make()

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way."""
        return self._is_announcing or any(self._flying.values())

    @property
    def is_starting(self) -> bool:
        """Whether nothing may be sent yet, though nothing is wrong."""
        return self._is_announcing and not self.trouble

    @property
    def _is_announcing(self) -> bool:
        return self._announcement is not None and not self._announcement.is_over

    @property
    def halted(self) -> set[Priority]:
        """The priorities of which nothing may be sent now."""
        return set(Priority) if self._is_announcing else set(self._resume)

    def step(self, entries: list[Entry]) -> None:
        """Take entries, send what may be sent, and take note of confirmations."""
        leaving = self._carried.take(entries, time.monotonic(), self.halted)
        try:
            for lane, ticket in leaving:
                if lane.priority not in self._resume:  # else it is on disk by now, and its turn comes again
                    self._send(lane, ticket)
                    self._poll()
            self._poll()
            if self._is_announcing:
                return
            self._resume_lanes()
            for lane, ticket in self._spool.hand_out(frozenset(self._resume)):
                if not self._send(lane, ticket):
                    break
                self._poll()
            self._poll()
        except BusError as error:
            self.trouble = str(error)
            self._start_over()

    def close(self) -> None:
        """Forget what is on its way: it is still in the spool."""
        self._producer.purge()

    def _make(self) -> Producer:
        producer = Producer(
            producer_settings(self._url)
            | {
                "linger.ms": LINGER_MILLISECONDS,
                "queue.buffering.max.kbytes": QUEUE_KILOBYTES,
                "message.timeout.ms": 0,
                "error_cb": self._note,
            }
        )
        self._announcement = Announcement(producer) if self._announces else None
        return producer

    def _send(self, lane: Lane, ticket: Ticket) -> bool:
        entry = ticket.entry
        if entry is None:
            return True
        delivered = functools.partial(self._delivered, lane, ticket, self._producer)
        self._flying[lane.priority] = self._flying.get(lane.priority, 0) + 1
        try:
            self._producer.produce(
                entry.topic, entry.value, entry.key or None, partition=entry.partition, on_delivery=delivered
            )
        except (BufferError, KafkaException) as error:
            code = error.args[0] if isinstance(error, KafkaException) else None
            self._settle(lane, ticket, code or KafkaError(KafkaError._TIMED_OUT_QUEUE))  # noqa: SLF001 - its public name
            return False
        count_produced(entry.topic, entry.value)
        return True

    def _delivered(
        self, lane: Lane, ticket: Ticket, producer: Producer, error: KafkaError | None, _: Message[Any, Any]
    ) -> None:
        if producer is self._producer:
            self._settle(lane, ticket, error)

    def _settle(self, lane: Lane, ticket: Ticket, error: KafkaError | None) -> None:
        self._flying[lane.priority] -= 1
        if error is None:
            self.messages += 1
            self.records += ticket.entry.records if ticket.entry else 0
            self.trouble = ""
            lane.settle(ticket)
        elif error.code() in NEVER:
            lane.settle(ticket, refused=True)
        else:
            self._note(error)
            self._carried.fail(lane.priority, ticket)
            self._resume[lane.priority] = time.monotonic() + BACKOFF_SECONDS

    def _resume_lanes(self) -> None:
        now = time.monotonic()
        for priority in [each for each, when in self._resume.items() if now >= when and not self._flying.get(each)]:
            del self._resume[priority]
            self._spool.lanes[priority].rewind()

    def _start_over(self) -> None:
        """Go on with another producer, a while later: the one we had will never send again."""
        self._producer = self._make()
        for priority, lane in self._spool.lanes.items():
            self._flying[priority] = 0
            self._carried.fail(priority)
            lane.rewind()
            self._resume[priority] = time.monotonic() + BACKOFF_SECONDS

    def _poll(self) -> None:
        served(self._url, lambda: self._producer.poll(0))

    def _note(self, error: KafkaError) -> None:
        self.trouble = f"{self._url}: {refused(error)}"
