"""Names of addresses as state: read back from their compacted topic, and beside it in a table of Faust."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import faust

from processors.engine.catching_up import catch_up
from processors.engine.faust_app import silence
from processors.names import NameTable
from topics.address_text import IPV4_MAPPED
from topics.bus import Subscriber, create_topics
from topics.bus.producer import ConfirmedProducer
from topics.definitions import TopicDefinition
from topics.dns import address_partition
from topics.names import AddressName, decode_name, encode_name, name_key

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES, SERVERS = 50_000, 5_000
PARTITIONS = 4
PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.01
PRODUCER_LINGER = 0.005
START, HOUR = 1_700_000_000_000_000_000, 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class StateRates:
    """Names a second of wall time: into our table; into a table of Faust with its changelog, and out of that again."""

    read: float
    updated: float
    restored: float


def names() -> Iterator[AddressName]:
    """Yield names that clients asked for, no pair of client and address twice."""
    for number in range(NAMES):
        client, server = (10 << 24) + number // SERVERS, (198 << 24) + number % SERVERS
        ends = [IPV4_MAPPED + each.to_bytes(4) for each in (client, server)]
        text = f"host{number % SERVERS}.example"
        yield AddressName(ends[1], text, "dns", START, START, START + HOUR, client=ends[0])


def measure(bootstrap: str) -> StateRates:
    """Publish names on a new topic and read them as state, in each way once."""
    silence()
    topic = f"bench-{uuid.uuid4().hex[:12]}.names"
    url = f"kafka://{bootstrap}"
    create_topics(url, [TopicDefinition(topic, "", "", 1, compacted=True)], partitions=PARTITIONS)
    producer = ConfirmedProducer(url, PATIENCE_SECONDS)
    for name in names():
        producer.send(topic, encode_name(name), address_partition(name.address, PARTITIONS), name_key(name))
    producer.flush()
    read = _read(url, topic)
    updated = asyncio.run(_Table(bootstrap, topic).seconds_to_fill())
    restored = asyncio.run(_Table(bootstrap, topic).seconds_to_fill())
    return StateRates(NAMES / read, NAMES / updated, NAMES / restored)


def _read(url: str, topic: str) -> float:
    """Return the seconds from connecting to the last name in the table."""
    begun, table = time.perf_counter(), NameTable()
    with Subscriber(url, topic, decode=decode_name, dead_letters=None) as subscriber:

        def take() -> int:
            received = subscriber.receive(0.1)
            for each in received:
                table.add(each.value)
            return len(received)

        catch_up(subscriber, take, PATIENCE_SECONDS)
    if len(table) != NAMES:
        raise RuntimeError(f"{len(table)} names of {NAMES}")
    return time.perf_counter() - begun


class _Table:
    """An application with one agent, which writes what comes into a table in memory, keys and values as they are."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._app = faust.App(
            topic,
            broker=f"kafka://{bootstrap}",
            store="memory://",
            autodiscover=False,
            web_enabled=False,
            topic_partitions=PARTITIONS,
            topic_disable_leader=True,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
            producer_linger=PRODUCER_LINGER,
        )
        self._table = self._app.Table("state", partitions=PARTITIONS, key_type=bytes, value_type=bytes)
        source = self._app.topic(topic, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes)
        self._app.agent(source)(self._take)

    async def _take(self, stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            self._table[event.key] = event.value

    async def seconds_to_fill(self) -> float:
        """Return the seconds from the start, joining the group included, to the last name in the table."""
        self._app.finalize()
        begun = time.perf_counter()
        await self._app.start()
        while len(self._table) < NAMES:
            if time.perf_counter() - begun > PATIENCE_SECONDS:
                raise TimeoutError(f"{len(self._table)} names of {NAMES} after {PATIENCE_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - begun
        with contextlib.suppress(asyncio.CancelledError):
            await self._app.stop()
        return seconds
