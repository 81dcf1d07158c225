"""From the topic of alerts to people: each channel by itself, in order, until it has taken what it gets."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from sinks.alerts.http import alertmanager, webhook
from sinks.alerts.messages import apprise, email, syslog
from sinks.alerts.refusals import NotDeliveredError
from topics.alerts import SEVERITIES, decode_alert, encode_alert
from topics.bus import Subscriber
from topics.bus.producer import ConfirmedProducer
from topics.bus.publisher import BROKER_SECONDS
from topics.dead_letters import dead_letter
from topics.metrics import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sinks.alerts.settings import Channel, Rate
    from topics.alerts import Alert
    from topics.bus import Received

OPENERS: dict[str, Callable[[Channel], Callable[[Alert, int], None]]] = {
    "webhook": webhook,
    "alertmanager": alertmanager,
    "email": email,
    "syslog": syslog,
    "apprise": apprise,
}
SECOND = 1e9
RECEIVE_SECONDS = 0.2
FIRST_WAIT, MOST_WAIT = 1.0, 60.0  # seconds before trying again, twice as long each time


@dataclass(slots=True)
class Counts:
    """What became of the alerts that one channel was asked to deliver."""

    delivered: int = 0
    left_out: int = 0
    held_back: int = 0
    tried_again: int = 0
    dead: int = 0


class Limit:
    """Lets so many through in a time; `held_back` are those that were not since the last one that was."""

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self._sent: deque[float] = deque()
        self.held_back = 0

    def lets(self, now: float) -> bool:
        """Tell whether one more may go at a time (seconds)."""
        if self._rate is None:
            return True
        while self._sent and now - self._sent[0] >= self._rate.within:
            self._sent.popleft()
        if len(self._sent) >= self._rate.most:
            self.held_back += 1
            return False
        self._sent.append(now)
        return True


class Delivery:
    """What one channel does with an alert. Time is in seconds."""

    def __init__(
        self, channel: Channel, send: Callable[[Alert, int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._channel, self._send, self._clock = channel, send, clock
        self._wanted, self._limit = wanted(channel), Limit(channel.rate)
        self.counts = Counts()

    def take(self, alert: Alert, letter: Callable[[str], None], wait: Callable[[float], bool]) -> bool:
        """See to an alert; False when the process is to end before that is done.

        `letter` takes the reason when it cannot be delivered; `wait` waits so many seconds and tells whether to end.
        """
        if not self._wanted(alert):
            self.counts.left_out += 1
            return True
        if not self._limit.lets(self._clock()):
            self.counts.held_back += 1
            return True
        return self._deliver(alert, letter, wait)

    def _deliver(self, alert: Alert, letter: Callable[[str], None], wait: Callable[[float], bool]) -> bool:
        deadline, seconds = self._clock() + self._channel.patience, FIRST_WAIT
        while True:
            begun = time.perf_counter()
            try:
                self._send(alert, self._limit.held_back)
            except NotDeliveredError as reason:
                pause = max(seconds, reason.wait)
                if not reason.passes or self._clock() + pause > deadline:
                    self.counts.dead += 1
                    self._say("alert given up", alert, reason)
                    letter(f"channel '{self._channel.name}': {reason}")
                    return True
                self.counts.tried_again += 1
                self._say("alert not delivered yet", alert, reason)
                if wait(pause):
                    return False
                seconds = min(2 * seconds, MOST_WAIT)
            else:
                self.counts.delivered += 1
                table.BATCH_SECONDS.observe(time.perf_counter() - begun, "deliver")
                table.PACKET_AGE.observe(time.time() - alert.last / SECOND, "delivered")
                self._limit.held_back = 0
                return True

    def _say(self, event: str, alert: Alert, reason: NotDeliveredError) -> None:
        """Log a line, for programs that have said where lines go."""
        if structlog.is_configured():
            structlog.get_logger().warning(event, channel=self._channel.name, rule=alert.rule, reason=str(reason))


def wanted(channel: Channel) -> Callable[[Alert], bool]:
    """Return what tells whether a channel gets an alert."""
    when, least = channel.when, SEVERITIES.index(channel.when.severity)
    rules, patterns = re.compile(when.rules), {name: re.compile(text) for name, text in when.subject.items()}

    def gets(alert: Alert) -> bool:
        values = dict(alert.subject)
        return (
            SEVERITIES.index(alert.severity) >= least
            and alert.state in when.states
            and (not when.rules or rules.fullmatch(alert.rule) is not None)
            and all(name in values and pattern.fullmatch(values[name]) for name, pattern in patterns.items())
        )

    return gets


class ChannelReader:
    """Reads the topic for one channel, as a group of its own, so that a channel that is dead delays only itself.

    An offset is committed when its alert was delivered, left out, or is with the dead letters. Raises SettingsError.
    """

    def __init__(self, url: str, topic: str, group: str, dead_letters: str, channel: Channel) -> None:
        self._url, self._topic, self._group, self._dead_letters = url, topic, f"{group}-{channel.name}", dead_letters
        self.name, self._delivery = channel.name, Delivery(channel, OPENERS[channel.kind](channel))

    @property
    def counts(self) -> Counts:
        """Return what became of alerts so far."""
        return self._delivery.counts

    def run(self, stop: threading.Event, until_idle: float | None = None) -> None:
        """Deliver until `stop` is set, or nothing came for `until_idle` seconds; raises BusError."""
        revoked = threading.Event()
        with Subscriber(
            self._url,
            self._topic,
            self._group,
            decode=decode_alert,
            dead_letters=self._dead_letters,
            revoked=lambda _: revoked.set(),
        ) as subscriber:
            heard = time.monotonic()
            while not stop.is_set() and (until_idle is None or time.monotonic() - heard < until_idle):
                received = subscriber.receive(RECEIVE_SECONDS)
                revoked.clear()
                for each in received:
                    if not self._take(subscriber, each, stop, revoked):
                        break
                    heard = time.monotonic()

    def _take(
        self,
        subscriber: Subscriber[Alert],
        each: Received[Alert],
        stop: threading.Event,
        revoked: threading.Event,
    ) -> bool:
        def wait(seconds: float) -> bool:
            end = time.monotonic() + seconds
            subscriber.pause()
            while time.monotonic() < end and not stop.is_set() and not revoked.is_set():
                subscriber.receive(min(RECEIVE_SECONDS, max(0.0, end - time.monotonic())))  # stays in the group
            subscriber.pause(paused=False)
            return stop.is_set() or revoked.is_set()

        def letter(reason: str) -> None:
            producer = ConfirmedProducer(self._url, BROKER_SECONDS)
            value = encode_alert(each.value)
            producer.send(self._dead_letters, dead_letter(self._topic, each.partition, each.offset, value, reason))
            producer.flush()

        if not self._delivery.take(each.value, letter, wait):
            return False
        return subscriber.commit({each.partition: each.offset + 1})


def deliver(readers: Sequence[ChannelReader], stop: threading.Event, until_idle: float | None = None) -> None:
    """Run all channels, each in a thread, until `stop`; raises what ended one of them, which ends the others."""
    failures: list[Exception] = []

    def work(reader: ChannelReader) -> None:
        try:
            reader.run(stop, until_idle)
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(reader,), name=reader.name) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
