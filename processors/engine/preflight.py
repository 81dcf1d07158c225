"""What has to be true before a worker joins its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from topics.errors import BusError

if TYPE_CHECKING:
    from processors.engine.settings import WorkerSettings


def check_topics(settings: WorkerSettings) -> None:
    """Raise BusError when the broker does not answer, or has no topics that fit each other."""
    topics = _topics(settings)
    for name in (settings.input_topic, settings.output_topic, settings.dead_letters_topic):
        if name not in topics:
            raise BusError(f"{settings.bootstrap}: topic {name} does not exist; `argosy topics create` makes it")
    given, taken = (topics[name] for name in (settings.input_topic, settings.output_topic))
    if taken < given:
        raise BusError(
            f"{settings.bootstrap}: topic {settings.output_topic} has {taken} partitions, "
            f"fewer than the {given} of {settings.input_topic}"
        )


def _topics(settings: WorkerSettings) -> dict[str, int]:
    client = AdminClient({"bootstrap.servers": settings.bootstrap, "log_level": 0})
    try:
        topics = client.list_topics(timeout=settings.connect_timeout).topics
    except KafkaException:
        raise BusError(
            f"{settings.bootstrap}: no Kafka broker answered within {settings.connect_timeout:g} s"
        ) from None
    return {name: len(topic.partitions) for name, topic in topics.items()}
