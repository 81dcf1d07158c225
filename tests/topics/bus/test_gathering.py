"""Small batches become few messages, in order, without waiting long and without losing anything."""

from __future__ import annotations

import numpy as np
import pytest

from tests.topics.batches import comparable, random_batch
from topics.batch import END_OF_RUN, FlowBatch, concatenate
from topics.bus import gathering
from topics.bus.gathering import Gathering
from topics.partitions import flow_hash

PARTITIONS = 3


def pieces(count: int, seed: int = 1, probe: str = "p") -> list[FlowBatch]:
    batch = random_batch(seed, 40 * count, heap=False).replace(site="s", probe=probe, boot_id=1)
    return [batch.select(slice(40 * number, 40 * (number + 1))) for number in range(count)]


def started(linger: float = 0.2) -> tuple[list[FlowBatch], Gathering]:
    sent: list[FlowBatch] = []
    return sent, Gathering(PARTITIONS, sent.append, linger)


def test_many_small_batches_make_one_message_a_partition_with_all_records_in_order() -> None:
    sent, gathered = started()
    small = pieces(12)
    for batch in small:
        gathered.add(batch, 0.0)
    assert sent == []
    gathered.release()
    assert [batch.partition for batch in sent] == [0, 1, 2]
    whole = concatenate(small)
    numbers = flow_hash(whole.records) % np.uint64(PARTITIONS)
    for batch in sent:
        wanted = whole.select(np.flatnonzero(numbers == batch.partition)).replace(partition=batch.partition)
        assert comparable(batch) == comparable(wanted)


def test_records_wait_no_longer_than_the_linger_time() -> None:
    sent, gathered = started(linger=0.2)
    first, second = pieces(2)
    gathered.add(first, 5.0)
    gathered.add(second, 5.1)
    gathered.release_due(5.19)
    assert sent == []
    assert gathered.due(5.15) == pytest.approx(0.05)
    gathered.release_due(5.2)
    assert sum(map(len, sent)) == 80
    assert gathered.due(9.0) == pytest.approx(0.2), "what comes next waits so long"
    gathered.release_due(9.0)
    assert len(sent) == PARTITIONS


def test_records_that_are_enough_do_not_wait() -> None:
    sent, gathered = started()
    enough = gathering.GATHERED_BYTES * PARTITIONS // random_batch(1, 1).records.itemsize + 1
    batch = FlowBatch(np.repeat(random_batch(1, 40, heap=False).records, enough // 40 + 1))
    gathered.add(batch, 0.0)
    assert sum(map(len, sent)) == len(batch)


def test_a_watermark_goes_to_all_partitions_at_once_behind_the_records_before_it() -> None:
    sent, gathered = started()
    (batch,) = pieces(1)
    heartbeat = batch.select(slice(0)).replace(watermark=END_OF_RUN)
    gathered.add(batch, 0.0)
    gathered.add(heartbeat, 0.0)
    records, marks = sent[:-PARTITIONS], sent[-PARTITIONS:]
    assert sum(map(len, records)) == 40
    assert [(len(mark), mark.partition, mark.watermark) for mark in marks] == [(0, n, END_OF_RUN) for n in range(3)]


def test_runs_are_kept_apart_and_so_are_batches_with_another_header() -> None:
    sent, gathered = started()
    ours, theirs = pieces(2), pieces(1, seed=2, probe="q")
    gathered.add(ours[0], 0.0)
    gathered.add(theirs[0], 0.0)
    assert sent == []
    gathered.add(ours[1].replace(status_interval=1), 0.0)
    assert {batch.probe for batch in sent} == {"p"}
    gathered.release()
    for number in range(PARTITIONS):
        own = [batch for batch in sent if batch.partition == number]
        assert [batch.status_interval == 1 for batch in own if batch.probe == "p"] == [False, True]
        assert [len(batch) > 0 for batch in own if batch.probe == "q"] == [True]
