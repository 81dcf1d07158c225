"""`argosy worker` on a real Kafka: the flows of the local engine, whatever happens to the workers."""

import signal
from dataclasses import dataclass, field
from functools import cache

import pytest

from processors.engine.local import run
from processors.merge import FlowMerge, MergeSettings
from tests.kafka.workers import PARTITIONS, Bench, Flows, flows_by_key
from tests.processors.status_records import Conversations, in_messages, status_records
from topics.batch import END_OF_RUN, FlowBatch
from topics.bus import create_topics
from topics.dead_letters import read_dead_letter
from topics.definitions import SEEN_BATCHES

SETTINGS = MergeSettings(idle_timeout=12, other_idle_timeout=12, active_timeout=25)


@dataclass
class Kept:
    """A sink in memory."""

    batches: list[FlowBatch] = field(default_factory=list)

    def write(self, batch: FlowBatch) -> None:
        self.batches.append(batch)

    def advance(self, watermark: int) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


@cache
def reported(partitions: int) -> tuple[FlowBatch, ...]:
    """What two probes report, by turns: about a thousand flows."""
    plans = (Conversations(seed, 600, 200.0, probe=f"probe-{seed}") for seed in (1, 2))
    first, second = (list(in_messages(status_records(plan), partitions, 15)) for plan in plans)
    mixed = [batch for pair in zip(first, second, strict=False) for batch in pair]
    return tuple(mixed + first[len(second) :] + second[len(first) :])


def messages() -> tuple[FlowBatch, ...]:
    """Return the reports as they travel on the bus."""
    return reported(PARTITIONS)


@cache
def expected() -> Flows:
    """The flows of the local engine."""
    kept = Kept()
    run(reported(1), [FlowMerge(SETTINGS)], [kept])
    flows = flows_by_key(kept.batches)
    assert len(flows) > 1000
    assert sum(len(batch) for batch in kept.batches) == len(flows)
    return flows


def halves() -> tuple[list[FlowBatch], list[FlowBatch]]:
    middle = len(messages()) // 2
    return list(messages()[:middle]), list(messages()[middle:])


def test_the_flows_are_those_of_the_local_engine(bench: Bench) -> None:
    bench.publish(messages())
    worker = bench.start()
    bench.wait_until_all_is_acknowledged()

    assert flows_by_key(bench.flows()) == expected()
    assert sum(len(batch) for batch in bench.flows()) == len(expected())
    assert worker.stop() == 0


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(bench: Bench) -> None:
    first, second = halves()
    workers = [bench.start(), bench.start()]
    for worker in workers:
        worker.wait_for("assigned")
    bench.publish(first)
    bench.wait_for_flows(300)
    workers[0].kill()
    bench.publish(second)
    bench.wait_until_all_is_acknowledged()

    assert flows_by_key(bench.flows()) == expected()
    assert workers[1].stop() == 0


def test_workers_may_join_and_leave(bench: Bench) -> None:
    first, second = halves()
    worker = bench.start()
    bench.publish(first)
    bench.wait_for_flows(100)
    visitor = bench.start()
    visitor.wait_for("assigned")
    bench.publish(second[: len(second) // 2])
    bench.wait_for_flows(600)
    assert visitor.stop() == 0
    bench.publish(second[len(second) // 2 :])
    bench.wait_until_all_is_acknowledged()

    assert flows_by_key(bench.flows()) == expected()
    assert worker.stop() == 0


def test_what_is_not_complete_is_not_acknowledged(bench: Bench) -> None:
    """Faust's own acknowledgement would pass over the messages of flows that are still going on."""
    unfinished = [batch for batch in messages()[:60] if len(batch)]
    bench.publish(unfinished)
    worker = bench.start()
    bench.wait_for_flows(20)
    assert worker.stop() == 0

    lowest = {batch.partition: FlowMerge(SETTINGS) for batch in unfinished}
    offset = [0] * PARTITIONS
    for batch in unfinished:
        lowest[batch.partition].process(batch, offset[batch.partition])
        offset[batch.partition] += 1
    assert bench.committed() == [lowest[number].lowest_offset() for number in range(PARTITIONS)]

    bench.publish(messages()[60:])
    bench.start()
    bench.wait_until_all_is_acknowledged()
    assert flows_by_key(bench.flows()) == expected()


def test_what_cannot_be_read_goes_to_the_dead_letters(bench: Bench) -> None:
    first, second = halves()
    bench.publish(first)
    bench.publish_bytes(b"neither here nor there", partition=1)
    bench.publish_bytes(b"", partition=2)
    bench.publish_bytes(None, partition=2)
    bench.publish(second)
    worker = bench.start()
    bench.wait_until_all_is_acknowledged()

    assert flows_by_key(bench.flows()) == expected()
    letters = [read_dead_letter(letter.value() or b"") for letter in bench.read(bench.dead_letters)]
    assert sorted((letter.topic, letter.partition, letter.value) for letter in letters) == [
        (bench.input, 1, b"neither here nor there"),
        (bench.input, 2, b""),
        (bench.input, 2, b""),
    ]
    assert all(letter.reason and letter.offset > 0 for letter in letters)
    assert worker.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_settles_what_is_complete_and_leaves_the_group(bench: Bench, number: signal.Signals) -> None:
    worker = bench.start("--session-timeout", "20")
    worker.wait_for("assigned")
    bench.publish(messages())
    bench.wait_for_flows(100)
    assert worker.stop(number) == 0
    assert "Traceback" not in worker.log.read_text()

    successor = bench.start()
    successor.wait_for("assigned")
    bench.wait_until_all_is_acknowledged()
    assert flows_by_key(bench.flows()) == expected()


def test_a_thousand_runs_that_come_again_after_a_restart_are_not_doubled(bench: Bench) -> None:
    """Four times as many as an offset's metadata has room for."""
    create_topics(f"kafka://{bench.bootstrap}", [SEEN_BATCHES])
    whole = status_records(Conversations(3, 1100, 5.0, mean_records=1.0))
    batches: list[FlowBatch] = []
    for number in range(1100):
        batch = whole.select(slice(number, number + 1)).replace(boot_id=number + 1, partition=0)
        batches += [batch, batch.select(slice(0)).replace(sequence=1, watermark=END_OF_RUN)]
    first = bench.start()
    bench.publish(batches)
    bench.wait_until_all_is_acknowledged()
    first.kill()
    flows = sum(map(len, bench.flows()))
    assert flows == 1100

    second = bench.start()
    bench.publish(batches)
    bench.wait_until_all_is_acknowledged()
    assert sum(map(len, bench.flows())) == flows
    assert second.stop() == 0
