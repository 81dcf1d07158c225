"""Verdicts on packets of which it is known what they are: every kind of fault, and feeds without any."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from probes.duplicates.layout import COPY, KEEP_ALIVE, RETRANSMISSION, VERDICT_BITS
from tests.traffic.mirrored.conversations import clean
from tests.traffic.mirrored.faults import FAULTS
from tests.traffic.mirrored.score import score, verdicts_on
from tests.traffic.mirrored.table import Rows, Truth

PACKETS = 25_000


@pytest.fixture(scope="module")
def rows() -> Rows:
    return clean(PACKETS, Random(7))


@pytest.mark.parametrize("fault", FAULTS)
def test_copies_of_every_kind_are_found_and_nothing_else(rows: Rows, fault: str) -> None:
    mirrored = FAULTS[fault](rows, np.random.default_rng(2))
    result = score(mirrored, verdicts_on(mirrored))
    assert result.copies > 0.4 * len(rows)
    assert result.precision >= 0.998, result
    assert result.recall >= 0.98, result  # how copies lag here has to be learned first; `make bench` has a million


def test_what_is_sent_again_is_no_copy(rows: Rows) -> None:
    verdicts = verdicts_on(rows) & VERDICT_BITS
    assert not (verdicts == COPY).any()
    again = verdicts[(rows["truth"] == Truth.AGAIN) & (rows["protocol"] == 6)]
    assert len(again) > 200
    assert (again == RETRANSMISSION).mean() > 0.95
    kept_alive = verdicts[rows["truth"] == Truth.KEEP_ALIVE]
    assert len(kept_alive)
    assert (kept_alive == KEEP_ALIVE).mean() > 0.95


def test_loss_changes_nothing_about_it() -> None:
    lost = clean(PACKETS, Random(8), loss=0.3)
    assert not (verdicts_on(lost) & VERDICT_BITS == COPY).any()
