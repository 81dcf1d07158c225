"""What Faust and the log may do to the order of a partition: messages lost on the way, offsets without a message."""

import asyncio
from dataclasses import replace

from confluent_kafka import Producer
from faust.types import Message
from structlog.testing import capture_logs

from processors.engine import faust_app
from processors.engine.faust_worker import FaustWorker
from processors.engine.settings import WorkerSettings
from tests.kafka.test_worker import SETTINGS, expected, messages
from tests.kafka.workers import DEADLINE_SECONDS, Bench, flows_by_key
from topics.bus import encode_message


class Forgetful(FaustWorker):
    """Loses some messages, as Faust does while it clears its queues, and hands out others before their time."""

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__(settings)
        self.lost: set[tuple[int, int]] = set()

    def _is_ours(self, message: Message) -> bool:
        place = (message.partition, message.offset)
        if message.offset % 40 == 7 and place not in self.lost:
            self.lost.add(place)
            return False
        return super()._is_ours(message)


async def work_until_all_is_acknowledged(worker: FaustWorker, bench: Bench) -> None:
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await asyncio.to_thread(bench.all_is_acknowledged):
            assert not running.done()
    worker._stop.set()
    await running


def settings(bench: Bench) -> WorkerSettings:
    return WorkerSettings(
        url=f"kafka://{bench.bootstrap}",
        group=bench.group,
        input_topic=bench.input,
        output_topic=bench.output,
        dead_letters_topic=bench.dead_letters,
        merge=SETTINGS,
        commit_interval=0.2,
    )


def test_messages_lost_on_the_way_are_fetched_again(bench: Bench) -> None:
    async def scenario() -> int:
        faust_app.silence()
        worker = Forgetful(settings(bench))
        await work_until_all_is_acknowledged(worker, bench)
        assert not worker._app.topics.acks_enabled_for(bench.input)
        return len(worker.lost)

    bench.publish(messages())
    assert asyncio.run(scenario()) >= 3
    assert flows_by_key(bench.flows()) == expected()
    assert sum(len(batch) for batch in bench.flows()) == len(expected())


def transactional_producer(bench: Bench) -> Producer:
    name = f"{bench.prefix}probe"
    producer = Producer({"bootstrap.servers": bench.bootstrap, "transactional.id": name, "log_level": 0})
    producer.init_transactions(10)
    return producer


def test_offsets_without_a_message_are_passed_over(bench: Bench) -> None:
    """The end of each transaction takes an offset of the log."""
    producer = transactional_producer(bench)
    for start in range(0, len(messages()), 50):
        producer.begin_transaction()
        for batch in messages()[start : start + 50]:
            producer.produce(bench.input, encode_message(batch), partition=batch.partition)
        producer.commit_transaction(10)
    transactional_producer(bench)  # waits until the last end of a transaction is in the log, which no commit does
    bench.publish([messages()[0].select(slice(0)).replace(partition=number) for number in range(3)])
    worker = bench.start()
    bench.wait_until_all_is_acknowledged()

    assert flows_by_key(bench.flows()) == expected()
    assert worker.stop() == 0


def test_a_bus_without_a_topic_for_batches_seen_is_good_enough_for_few_runs(bench: Bench) -> None:
    async def scenario() -> list[str]:
        worker = FaustWorker(replace(settings(bench), seen_topic=f"{bench.prefix}nowhere"))
        with capture_logs() as said:
            await work_until_all_is_acknowledged(worker, bench)
        return [each["event"] for each in said if each["log_level"] == "warning"]

    bench.publish(messages())
    assert asyncio.run(scenario()) == ["some 250 runs are remembered"]
    assert flows_by_key(bench.flows()) == expected()
