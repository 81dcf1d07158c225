"""A record turned round, against the model; turned twice it is itself again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.merge import rules
from processors.merge.records import views
from processors.merge.selection import both_ways
from tests.processors.merge import model
from tests.random_batches import random_batch
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from topics.batch import FlowBatch


def reversed_records(batch: FlowBatch) -> FlowBatch:
    rows = rules.record_words(batch.records)
    doubled = np.empty((2 * len(rows), rules.RECORD_WORDS), np.int64)
    both_ways(rows, views(doubled))
    assert (doubled[::2] == rows).all()
    return batch.replace(records=doubled[1::2].reshape(-1).view(FLOW_DTYPE))


def any_batch(seed: int, protocol: int) -> FlowBatch:
    batch = random_batch(seed, 20)
    batch.records["protocol"] = protocol
    return batch


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0, 1, 6, 17, 58)))
def test_reversal_is_that_of_the_model(seed: int, protocol: int) -> None:
    batch = any_batch(seed, protocol)
    expected = [model.reverse(record) for record in model.records_of(batch)]
    assert model.records_of(reversed_records(batch)) == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0, 1, 6, 17, 58)))
def test_twice_is_not_at_all(seed: int, protocol: int) -> None:
    batch = any_batch(seed, protocol)
    assert (reversed_records(reversed_records(batch)).records == batch.records).all()


def test_a_ping_becomes_its_answer() -> None:
    batch = any_batch(1, 1)
    batch.records["src_port"], batch.records["dst_port"] = 0x0800, 77
    turned = reversed_records(batch).records
    assert set(turned["src_port"].tolist()) == {0}
    assert set(turned["dst_port"].tolist()) == {77}
