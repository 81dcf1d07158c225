"""A Faust application that consumes one topic of raw bytes and leaves acknowledgement to its owner.

Faust's own bookkeeping of acknowledgements is switched off (`acks=False`): it commits past unprocessed messages when
later offsets are acknowledged first, and it cannot commit metadata. Everything here that is not public in Faust is kept
in this one module.
"""
# ruff: noqa: SLF001 - keeping the reach into Faust in one place is what this module is for
# mypy: disable-error-code="attr-defined, import-untyped, misc, valid-type"
# The same reach, aiokafka's lack of types, and base classes that Faust declares as variables.

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, TypeVar

import aiokafka.conn
import faust
from aiokafka import TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from yarl import URL

from topics.bus.security import Security, security

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aiokafka import AIOKafkaConsumer
    from faust.types import TP

Result = TypeVar("Result")

BUFFERED_MESSAGES = 32
ANSWER_SECONDS = 5.0
LEAVE_SECONDS = 3.0
REQUEST_SECONDS = 30.0
READER_LIMIT = 4 << 20  # bytes: with the 64 KiB of aiokafka each message stops and starts its socket several times
FETCH_BYTES = 8 << 20  # of a partition at a time: 1 MiB holds hardly more than one message, and each fetch waits
QUIET = ("faust", "mode", "aiokafka")


def silence() -> None:
    """Switch off what Faust, mode and aiokafka log: failures reach the user as one typed error."""
    for name in QUIET:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)


class _Thread(AIOKafkaConsumerThread):
    def on_crash(self, msg: str, *fmt: object, **kwargs: object) -> None:
        """Print no traceback: the crash reaches the owner of the application as its `crash_reason`."""

    async def on_thread_stop(self) -> None:
        """Leave the group, unless the broker is away: aiokafka then trips over the requests that it cancels itself."""
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(super().on_thread_stop(), LEAVE_SECONDS)


class _Consumer(Consumer):
    """Held back by full queues alone.

    Faust would stop fetching partitions whose queue is nearly full, and then sleeps for up to a second before it sees
    that there is room again: a worker with a backlog would idle most of the time.
    """

    def on_buffer_full(self, tp: TP) -> None:
        """Go on: what hands messages over waits while the queue is full."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    Consumer = _Consumer


class _App(faust.App):
    class BootStrategy(faust.App.BootStrategy):
        enable_kafka_producer = False
        enable_web = False

    def _create_directories(self) -> None:
        """Faust would make a directory for tables that do not exist here."""


class _Tokens(AbstractTokenProvider):
    """Tokens for OAUTHBEARER, out of their file whenever the broker wants one."""

    def __init__(self, settings: Security) -> None:
        self._settings = settings

    async def token(self) -> str:
        return (await asyncio.to_thread(self._settings.token))[0]


def credentials() -> faust.types.auth.CredentialsT | None:
    """Return how Faust's consumer proves who it is: by the same settings as every other client."""
    settings = security()
    context = settings.ssl_context()
    if settings.mechanism == "OAUTHBEARER":
        return faust.auth.OAuthCredentials(oauth_cb=_Tokens(settings), ssl_context=context)
    if settings.mechanism is not None:
        return faust.SASLCredentials(
            username=settings.username,
            password=settings.secret("password"),
            mechanism=settings.mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None


def make_app(bootstrap: str, group: str, session_timeout: float) -> faust.App:
    """Return an application that joins `group` and is out of it `session_timeout` seconds after it went silent."""
    aiokafka.conn.READER_LIMIT = READER_LIMIT
    url = [URL(f"kafka://{host}") for host in bootstrap.split(",")]
    app = _App(
        group,
        broker=url,
        broker_credentials=credentials(),
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=BUFFERED_MESSAGES,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=session_timeout,
        broker_heartbeat_interval=session_timeout / 3,
        broker_request_timeout=session_timeout + REQUEST_SECONDS,  # Faust wants it to be the longer one
    )
    app.transport = _Transport(url, app)
    app.finalize()
    return app


async def committed(app: faust.App, tp: TP) -> tuple[int | None, str]:
    """Return the offset that the group has committed for a partition, None when it has not, and its metadata."""
    where = TopicPartition(tp.topic, tp.partition)
    found = await _in_thread(app, _consumer(app)._coordinator.fetch_committed_offsets([where]))
    offset, text = found.get(where, (-1, ""))
    return (offset if offset >= 0 else None), text


async def commit(app: faust.App, tp: TP, offset: int, metadata: str) -> None:
    """Commit an offset with metadata for a partition.

    Raises aiokafka's errors when the partition is no longer ours, the group is rebalancing or the broker refuses, and
    TimeoutError when it is silent.
    """
    offsets = {TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, metadata)}
    await asyncio.wait_for(_in_thread(app, _consumer(app).commit(offsets)), ANSWER_SECONDS)


async def seek(app: faust.App, tp: TP, offset: int) -> None:
    """Fetch a partition from `offset` on; one that was taken from us meanwhile is left alone."""

    async def seek_in_thread() -> None:
        with contextlib.suppress(IllegalStateError):
            _consumer(app).seek(TopicPartition(tp.topic, tp.partition), offset)

    await _in_thread(app, seek_in_thread())
    app.consumer._read_offset[tp] = offset or None


def end(app: faust.App, tp: TP) -> int | None:
    """Return where a partition ends, as far as the last fetch has told; None before it."""
    try:
        offset: int | None = app.consumer._thread.highwater(tp)
    except (IllegalStateError, AssertionError, AttributeError):  # just taken from us; aiokafka asserts that it is ours
        return None
    return offset


def _consumer(app: faust.App) -> AIOKafkaConsumer:
    return app.consumer._thread._ensure_consumer()


async def _in_thread(app: faust.App, work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in the loop that the consumer belongs to."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, app.consumer._thread.thread_loop))
