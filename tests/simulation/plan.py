"""What each of many probes will send and when: identities, clocks that are off, probes that go away and come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.processors.status_records import EPOCH, Conversations, status_records
from topics.batch import END_OF_RUN, FlowBatch, Observer, last_times
from topics.bus import encode_message
from topics.partitions import split

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000_000
TIMES = ("flow_start", "src_first", "src_last", "dst_first", "dst_last")
TEMPLATES = 16
SENT_AGAIN = 3  # batches that a probe cannot know to have arrived when it lost its link


@dataclass(frozen=True, slots=True)
class Message:
    """A message, the partition it is for, and how many seconds after the start it leaves."""

    due: float
    partition: int
    batch: FlowBatch
    is_replay: bool = False

    @property
    def value(self) -> bytes:
        """Return its bytes."""
        return encode_message(self.batch)


@dataclass(frozen=True, slots=True)
class Plan:
    """So many probes report for so many seconds, each so many status records a second, every `report` seconds.

    Of twenty probes one has a clock that is off by up to an hour, one loses its link for a third of the time and sends
    everything when it is back, the last batches before that once more, and one is restarted, as another run.
    """

    probes: int = 1000
    seconds: float = 60.0
    rate: float = 5.0
    report: float = 1.0
    partitions: int = 8
    begin: int = EPOCH
    seed: int = 1

    def messages(self) -> list[Message]:
        """Return all messages in the order in which they leave."""
        found = [message for number in range(self.probes) for message in self._of(number)]
        return sorted(found, key=lambda message: message.due)

    def kind(self, number: int) -> str:
        """Return what is the matter with a probe."""
        return {0: "clock", 1: "link", 2: "restart"}.get(number % 20, "")

    def _of(self, number: int) -> Iterator[Message]:
        kind, phase = self.kind(number), number % 97 / 97 * self.report
        sequences: dict[tuple[int, int], int] = {}
        sent: list[Message] = []
        for moment, batch in self._batches(number):
            for part in split(batch, self.partitions) if len(batch) else self._everywhere(batch):
                sequence = sequences.get((part.boot_id, part.partition), 0)
                sequences[part.boot_id, part.partition] = sequence + 1
                sent.append(Message(moment + phase, part.partition, part.replace(sequence=sequence)))
        yield from self._without_link(sent) if kind == "link" else sent

    def _everywhere(self, batch: FlowBatch) -> Iterator[FlowBatch]:
        for partition in range(self.partitions):
            yield batch.replace(partition=partition)

    def _without_link(self, sent: list[Message]) -> Iterator[Message]:
        """Hold back what is due while the link is away, behind copies of what went before."""
        away, back = self.seconds / 3, 2 * self.seconds / 3
        before = [message for message in sent if message.due < away]
        held = [message for message in sent if away <= message.due < back]
        yield from before
        for message in before[-SENT_AGAIN:]:
            yield Message(back, message.partition, message.batch, is_replay=True)
        for message in held:
            yield Message(back, message.partition, message.batch)
        yield from (message for message in sent if message.due >= back)

    def _batches(self, number: int) -> Iterator[tuple[float, FlowBatch]]:
        """Yield what a probe gathers by the second at which it leaves, ends of runs included."""
        records = self._records(number)
        boot = 1_000_000 + number
        steps = int(self.seconds / self.report)
        edges = np.searchsorted(last_times(records.records), [self._shift(number) + self._ns(n) for n in range(steps)])
        for step, (first, last) in enumerate(zip(edges, [*edges[1:], len(records)], strict=True)):
            moment = (step + 1) * self.report
            if self.kind(number) == "restart" and step == steps // 2:
                yield moment - self.report, self._end(records, boot)
                boot += self.probes
            if last > first:
                yield moment, records.select(slice(first, last)).replace(boot_id=boot)
        yield self.seconds, self._end(records, boot)

    def _ns(self, step: int) -> int:
        return self.begin + int(step * self.report * SECOND)

    def _shift(self, number: int) -> int:
        """How far the clock of a probe is off, ns."""
        return (-1) ** (number // 20) * (1 + number * 7919 % 3600) * SECOND if self.kind(number) == "clock" else 0

    def _end(self, records: FlowBatch, boot: int) -> FlowBatch:
        return records.select(slice(0)).replace(boot_id=boot, watermark=END_OF_RUN)

    def _records(self, number: int) -> FlowBatch:
        """Return all that a probe reports, in order, under its own name and clock; its flows are nobody else's."""
        mean = 2.0
        count = max(1, round(self.rate * self.seconds / mean))
        template = status_records(Conversations(self.seed + number % TEMPLATES, count, self.seconds * 0.8, mean))
        observer = Observer(f"site-{number % 50}", f"probe-{number:04}", "eth0")
        records = template.records
        for name in TIMES:
            records[name] += (records[name] > 0) * (self.begin - EPOCH + self._shift(number))
        records["flow_id"][:, :4] ^= np.frombuffer(number.to_bytes(4, "big"), np.uint8)
        records["src_address"][:, 13:15] = list((number + 1).to_bytes(2, "big"))
        records["observer"] = observer.id
        return template.replace(
            records=records, site=observer.site, probe=observer.probe, observers={observer.id: observer}
        )
