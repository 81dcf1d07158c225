"""The merge of status records into flows, driven by Faust: `argosy worker`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from aiokafka.errors import IllegalStateError, KafkaError  # type: ignore[import-untyped]  # ships none
from confluent_kafka import KafkaException
from faust.types import TP

from processors.engine import broker, faust_app
from processors.engine.merging import Merging
from processors.engine.recovery import metadata
from processors.engine.sequence import Sequence, Verdict
from processors.engine.state import StateKeeper
from topics.bus.consumption import Consumption
from topics.errors import BusError
from topics.metrics import table
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    import faust
    from faust.types import Message

    from processors.engine.acknowledgement import Checkpoint
    from processors.engine.partition import PartitionMerge
    from processors.engine.settings import WorkerSettings

MESSAGES_AHEAD = 8
RELEASE_SECONDS = 0.1
STOP_SECONDS = 10.0
STARTED = "kernels and tables"

Result = TypeVar("Result")


@dataclass(slots=True)
class _Assigned:
    """A partition of ours, as of the generation of the group in which it was given to us."""

    generation: int | None
    sequence: Sequence
    merge: PartitionMerge
    offset: int
    checkpoint: Checkpoint | None = None
    committed: Checkpoint | None = None


class FaustWorker:
    """Consumes partitions of status records until it is told to stop.

    Faust joins the group, fetches and hands over messages; merging, encoding and producing happen in one thread beside
    it, so that fetching goes on while kernels run. Belongs to the event loop it is made in.
    """

    def __init__(self, settings: WorkerSettings, keeper: StateKeeper | None = None) -> None:
        self._settings = settings
        self._keeper = keeper or StateKeeper()
        self._told = Consumption(settings.input_topic, settings.group)
        VITALS.needs(STARTED)
        self._log = structlog.get_logger().bind(group=settings.group)
        self._app = faust_app.make_app(settings.bootstrap, settings.group, settings.session_timeout)
        self._executor = ThreadPoolExecutor(1, "merge")
        self._merging = Merging(settings, self._told)
        self._assigned: dict[int, _Assigned] = {}
        self._ahead = asyncio.Semaphore(MESSAGES_AHEAD)
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._register()

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then settle what can be settled and leave the group.

        Raises BusError when the broker stays away or refuses.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        jobs = (self._start(), self._release_forever(), self._commit_forever(), self._watch_faust())
        tasks = [
            asyncio.create_task(self._guard(job)) for job in (*jobs, broker.watch(self._settings, self._told.away))
        ]
        await self._stop.wait()
        self._merging.hurry()
        for task in tasks:
            task.cancel()
        await self._finish()
        if self._failure is not None:
            raise self._failure

    def _register(self) -> None:
        topic = self._app.topic(
            self._settings.input_topic, key_serializer="raw", value_serializer="raw", value_type=bytes, acks=False
        )
        self._app.agent(topic, concurrency=1)(self._consume)
        self._app.on_partitions_revoked.connect(self._on_revoked)
        self._app.on_partitions_assigned.connect(self._on_assigned)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the failure of any part stop the worker."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- run() raises it again
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, KafkaError | KafkaException):
            error = BusError(f"{self._settings.url}: {error}")
        self._failure = self._failure or error
        self._stop.set()

    async def _start(self) -> None:
        warming = asyncio.ensure_future(self._merge(self._merging.warm_up))
        await self._app.start()
        await warming
        VITALS.settle(STARTED, "loaded")
        gc.freeze()  # what starting made is never garbage: no collection has to walk through it
        self._log.info("started", bus=self._settings.url, topic=self._settings.input_topic)

    async def _on_revoked(self, *_: object, **__: object) -> None:
        """Forget everything: a later assignment begins at the committed offset, also for partitions that come back."""
        merges = [assigned.merge for assigned in self._assigned.values()]
        self._assigned.clear()
        self._soon(self._keeper.retire, merges)
        self._told.revoked()

    async def _on_assigned(self, _: object, /, *assigned: set[TP], **__: object) -> None:
        self._told.assigned(_numbers(assigned))

    async def _consume(self, stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            if not self._stop.is_set() and self._is_ours(event.message):
                await self._guard(self._take(event.message))

    def _is_ours(self, message: Message) -> bool:
        """Whether a message was fetched for the present assignment, as far as Faust can tell."""
        return (
            message.generation_id == self._app.consumer_generation_id and message.tp in self._app.consumer.assignment()
        )

    async def _take(self, message: Message) -> None:
        assigned = self._assigned.get(message.partition)
        if assigned is None or assigned.generation != message.generation_id:
            assigned = await self._open(message.tp, message.generation_id)
        if await self._is_next(assigned, message.tp, message.offset):
            assigned.sequence.advance(message.offset)
            value = message.value or b""
            self._told.came(message.partition, len(value), message.timestamp)
            await self._merge_soon(self._merging.process, assigned.merge, message.offset, value, time.monotonic())

    async def _open(self, tp: TP, generation: int | None) -> _Assigned:
        committed, text = await faust_app.committed(self._app, tp)
        opened = await self._merge(self._merging.open, tp.partition, committed, text)
        assigned = _Assigned(generation, Sequence(opened.offset), opened.merge, opened.offset)
        if generation == self._app.consumer_generation_id:
            self._assigned[tp.partition] = assigned
        seconds = round(opened.seconds, 3)
        self._log.info(
            "recovered", partition=tp.partition, offset=opened.offset, flows=opened.flows_read, seconds=seconds
        )
        return assigned

    async def _is_next(self, assigned: _Assigned, tp: TP, offset: int) -> bool:
        """Whether a message is the one to process, seeking back when the one that should come before it was lost."""
        verdict = assigned.sequence.judge(offset)
        if verdict is not Verdict.GAP:
            return verdict is Verdict.NEXT
        first = await self._merge(self._merging.first_offset, tp.partition, assigned.sequence.expected)
        if assigned.sequence.resolve(offset, first):
            return True
        await faust_app.seek(self._app, tp, first)
        self._log.info("sought", partition=tp.partition, offset=first, instead_of=offset)
        return False

    async def _merge(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Run a function in the thread that merges."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    async def _merge_soon(self, function: Callable[..., None], *arguments: object) -> None:
        """Queue a call for the thread that merges, so that it never waits for us; returns at once while few wait."""
        await self._ahead.acquire()
        self._soon(function, *arguments).add_done_callback(lambda _: self._ahead.release())

    def _soon(self, function: Callable[..., None], *arguments: object) -> asyncio.Future[None]:
        """Queue a call for the thread that merges, which alone reads and changes what belongs to partitions."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        future.add_done_callback(self._merged)
        return future

    def _merged(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled() and (error := future.exception()):
            self._fail(error)

    async def _release_forever(self) -> None:
        while True:
            await asyncio.sleep(RELEASE_SECONDS)
            merges = [assigned.merge for assigned in self._assigned.values()]
            await self._merge(self._merging.release_due, merges)

    async def _commit_forever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval)
            for partition, assigned in list(self._assigned.items()):
                await self._merge(assigned.merge.mark, time.monotonic())
                await self._commit(partition, assigned)
            await self._keep_state()

    async def _keep_state(self) -> None:
        lag = {}
        for partition, assigned in self._assigned.items():
            end = faust_app.end(self._app, TP(self._settings.input_topic, partition))
            if end is not None:
                lag[partition] = max(0, end - assigned.sequence.expected)
        self._told.behind(lag)
        self._told.turned()
        held = [each.sequence.expected - each.offset for each in self._assigned.values()]
        table.WORKER_HELD.set(sum(held))
        merges, labels = [assigned.merge for assigned in self._assigned.values()], self._merging.label_counts()
        await self._merge(self._keeper.update, merges, labels)

    async def _commit(self, partition: int, assigned: _Assigned) -> None:
        """Commit what is confirmed. A refusal is left to the next attempt: checkpoints hold whoever commits them."""
        assigned.checkpoint = await self._merge(assigned.merge.checkpoint) or assigned.checkpoint
        checkpoint = assigned.checkpoint
        if checkpoint is None or checkpoint == assigned.committed:
            return
        tp = TP(self._settings.input_topic, partition)
        try:
            await faust_app.commit(self._app, tp, checkpoint.offset, metadata(checkpoint))
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            self._log.info("commit refused", partition=partition, offset=checkpoint.offset, reason=type(error).__name__)
        else:
            assigned.committed, assigned.offset = checkpoint, checkpoint.offset

    async def _watch_faust(self) -> None:
        await self._app._crashed.wait()  # noqa: SLF001 -- Faust offers no other way to learn of a crash
        raise BusError(f"{self._settings.url}: Faust stopped: {self._app.crash_reason}")

    async def _finish(self) -> None:
        """Settle what can be settled and leave the group, in bounded time."""
        try:
            if self._failure is None:
                await asyncio.wait_for(self._settle(), STOP_SECONDS)
        except (BusError, TimeoutError) as error:
            self._failure = BusError(f"{self._settings.url}: stopped with unconfirmed output: {error}")
        self._merging.abandon()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._app.stop(), STOP_SECONDS)
        self._executor.shutdown()
        self._told.left()
        self._log.info("stopped")

    async def _settle(self) -> None:
        assigned = dict(self._assigned)
        for _ in range(2):  # what is known of many runs has to be confirmed before the offset that it goes with
            await self._merge(self._merging.settle, [each.merge for each in assigned.values()])
            for partition, each in assigned.items():
                await self._commit(partition, each)


def _numbers(partitions: Iterable[set[TP]]) -> list[int]:
    return sorted(tp.partition for several in partitions for tp in several)


def run_worker(settings: WorkerSettings, keeper: StateKeeper | None = None) -> None:
    """Run a worker until it is stopped by SIGTERM or SIGINT; `keeper` learns how it does.

    Raises BusError when the broker does not answer, lacks a topic, or stays away.
    """
    broker.check_topics(settings)
    faust_app.silence()
    asyncio.run(_run(settings, keeper))


async def _run(settings: WorkerSettings, keeper: StateKeeper | None) -> None:
    await FaustWorker(settings, keeper).run()
