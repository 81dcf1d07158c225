"""Where topics begin and end, and how far groups have come: asked again and again, without joining anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # ships no annotations

from topics.bus.administration import admin_client, metadata, refused
from topics.bus.client import client_settings
from topics.bus.transient import patiently
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterable

OUTDATED = frozenset(
    (KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.NOT_LEADER_FOR_PARTITION)
)  # what a client knows of a leader that was started anew


class Offsets:
    """Asks the brokers; raises BusError when they refuse, or stay away for `patience` seconds."""

    def __init__(self, url: str, group: str, patience: float) -> None:
        self._url, self._patience = url, patience
        self._partitions: dict[str, list[int]] = {}
        self._admin = admin_client(url)
        self._member = Consumer(client_settings(url) | {"group.id": group, "enable.auto.commit": False})

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first offset that is there and the one behind the last; nothing without the topic."""
        if topic not in self._partitions:
            found = metadata(self._url, self._patience).topics.get(topic)
            if found is None or found.error is not None:
                return {}
            self._partitions[topic] = sorted(found.partitions)
        begins, ends = (self._ends(topic, spec) for spec in (OffsetSpec.earliest(), OffsetSpec.latest()))  # type: ignore[no-untyped-call]  # confluent-kafka's own
        return {number: (begin, ends[number]) for number, begin in begins.items()}

    def notes(self, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, str]]:
        """Return by partition the offset that the group has committed and the text beside it, where it has."""
        places = [TopicPartition(topic, number) for number in partitions]
        try:
            found = patiently(lambda left: self._member.committed(places, timeout=left), self._patience)
        except KafkaException as error:
            raise self._error(topic, error) from None
        return {place.partition: (place.offset, place.metadata or "") for place in found if place.offset >= 0}

    def close(self) -> None:
        """Let go of the brokers."""
        self._member.close()

    def _ends(self, topic: str, spec: OffsetSpec) -> dict[int, int]:
        asked = {TopicPartition(topic, number): spec for number in self._partitions[topic]}
        try:
            return patiently(lambda left: self._offsets(asked, left), self._patience)
        except KafkaException as error:
            raise self._error(topic, error) from None

    def _offsets(self, asked: dict[TopicPartition, Any], left: float) -> dict[int, int]:
        try:
            return _results(self._admin.list_offsets(asked), left)
        except KafkaException as error:
            if error.args[0].code() in OUTDATED:
                self._admin = admin_client(self._url)  # a client that asks once more believes its own memory
            raise

    def _error(self, topic: str, error: KafkaException) -> BusError:
        return BusError(f"{self._url}: topic {topic}: {refused(error.args[0])}")


def _results(answers: dict[TopicPartition, Any], left: float) -> dict[int, int]:
    return {place.partition: answer.result(left).offset for place, answer in answers.items()}
