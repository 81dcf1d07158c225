"""Whether the broker is there and has what a worker needs: before it joins its group, and while it works."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

from topics.bus import partition_count
from topics.bus.administration import admin_client
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from processors.engine.settings import WorkerSettings

WATCH_SECONDS = 2.0


def check_topics(settings: WorkerSettings) -> None:
    """Raise BusError when no broker answers, or when it does not have the topics or they do not fit each other."""
    topics = (settings.input_topic, settings.output_topic, settings.dead_letters_topic)
    given, taken, _ = (partition_count(settings.url, topic, settings.connect_timeout) for topic in topics)
    if taken < given:
        raise BusError(
            f"{settings.url}: topic {settings.output_topic} has {taken} partitions, "
            f"fewer than the {given} of {settings.input_topic}"
        )


async def watch(settings: WorkerSettings, away: Callable[[str], None]) -> None:
    """Return never; raise BusError when the broker has been away for too long. Faust alone would wait for ever.

    `away` learns why when it goes away, and nothing when it is back.
    """
    client = admin_client(settings.url)
    answered, trouble = time.monotonic(), ""
    while time.monotonic() - answered < settings.broker_timeout:
        await asyncio.sleep(min(WATCH_SECONDS, settings.broker_timeout / 4))
        try:
            await asyncio.to_thread(client.list_topics, settings.input_topic, settings.broker_timeout / 4)
        except KafkaException as error:
            if not trouble:
                trouble = error.args[0].str()
                away(trouble)
            continue
        answered = time.monotonic()
        if trouble:
            trouble = ""
            away(trouble)
    raise BusError(f"{settings.url}: the broker has been away for {settings.broker_timeout:g} s")
