"""What has to be true before a worker joins its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.bus import partition_count
from topics.errors import BusError

if TYPE_CHECKING:
    from processors.engine.settings import WorkerSettings


def check_topics(settings: WorkerSettings) -> None:
    """Raise BusError when no broker answers, or when it does not have the topics or they do not fit each other."""
    topics = (settings.input_topic, settings.output_topic, settings.dead_letters_topic)
    given, taken, _ = (partition_count(settings.url, topic, settings.connect_timeout) for topic in topics)
    if taken < given:
        raise BusError(
            f"{settings.url}: topic {settings.output_topic} has {taken} partitions, "
            f"fewer than the {given} of {settings.input_topic}"
        )
