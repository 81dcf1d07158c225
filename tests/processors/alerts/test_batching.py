"""The same records give the same alerts, however they are cut, in whatever order they come, and through restarts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.alerts import Alerts, RuleFile
from tests.processors.status_records import Conversations, status_records

if TYPE_CHECKING:
    from topics.batch import FlowBatch

SECOND = 1_000_000_000
RULES = RuleFile.model_validate(
    {
        "rules": [
            {"name": "each", "match": "udp", "by": "daddr", "quiet": "5s"},
            {"name": "many", "by": "saddr", "threshold": {"over": 3, "within": "20s"}, "quiet": "10s"},
            {"name": "much", "by": "saddr", "threshold": {"sum": "bytes", "over": 2e5, "within": "30s"}},
            {"name": "fast", "by": "daddr", "rate": {"sum": "pkts", "above": 2, "within": "20s"}, "repeat": "15s"},
            {"name": "wide", "by": "daddr", "threshold": {"distinct": "saddr", "over": 3, "within": "20s"}},
            {"name": "dark", "by": "sid", "threshold": {"distinct": "daddr", "over": 0, "within": "1m",
                                                        "except_heard": "3s"}},
            {"name": "fresh", "by": "saddr", "new": {"within": "20s", "learn": "10s"}, "quiet": "5s"},
            {"name": "lopsided", "ratio": {"of": "sbytes", "to": "dbytes", "above": 1.5, "within": "10s"}},
            {"name": "unusual", "by": "daddr", "baseline": {"every": "5s", "above": 1, "learn": 3}},
            {"name": "then", "match": "udp", "by": "daddr", "sequence": {"then": "tcp", "within": "5s"}},
            {"name": "gone", "by": "saddr", "absence": {"after": "20s"}},
            {"name": "moved", "by": "daddr", "changed": {"of": "sport"}, "quiet": "5s"},
            {"name": "even", "by": "daddr", "beacon": {"times": 4, "spread": 0.9, "least": 1}, "quiet": "5s"},
            {"name": "long", "by": "saddr", "lasting": {"over": "12s"}, "quiet": "5s"},
        ]
    }
).rules  # fmt: skip
FLOWS = status_records(Conversations(seed=5, conversations=120, seconds=90))


def quietly(engine: Alerts, batch: FlowBatch) -> list[str]:
    """All alerts when everything comes at once."""
    engine.process(batch)
    return [alert.json_line for alert in engine.flush()]


EXPECTED = quietly(Alerts(RULES), FLOWS)


def first_times(batch: FlowBatch) -> np.ndarray:
    first = batch.records["src_first"].copy()
    answered = batch.records["dst_first"] > 0
    first[answered] = np.minimum(first, batch.records["dst_first"])[answered]
    return first


def test_every_condition_finds_something_here() -> None:
    assert {json.loads(line)["rule"] for line in EXPECTED} == {rule.name for rule in RULES}


@given(st.integers(0, 2**32 - 1), st.integers(8, 120), st.sampled_from((0, 1, 3)))
@settings(max_examples=6, deadline=None)
def test_cut_shuffled_and_restarted_alike(seed: int, size: int, restarts: int) -> None:
    random = np.random.default_rng(seed)
    order = random.permutation(len(FLOWS)) if seed % 2 else np.arange(len(FLOWS))
    times = first_times(FLOWS)
    cuts = [order[at : at + size] for at in range(0, len(order), size)]
    engine, found, log = Alerts(RULES), list[str](), list[str]()
    restart_at = set(random.integers(0, len(cuts), restarts).tolist())
    for number, rows in enumerate(cuts):
        engine.process(FLOWS.select(rows))
        left = np.concatenate([*cuts[number + 1 :], np.zeros(0, np.int64)]).astype(np.int64)
        if len(left):
            found += [alert.json_line for alert in engine.advance(int(times[left].min()))]
        log.append(json.dumps(engine.save(whole=not number)))
        if number in restart_at:
            engine = Alerts(RULES)
            for state in log:
                engine.restore(json.loads(state))
            for earlier in cuts[: number + 1]:
                engine.process(FLOWS.select(earlier), again=True)
    found += [alert.json_line for alert in engine.flush()]
    assert found == EXPECTED
    assert engine.counts()["late"] == 0


def test_what_comes_too_late_is_looked_at_all_the_same_and_survives_a_restart() -> None:
    rules = [rule for rule in RULES if rule.name == "each"]
    engine = Alerts(rules)
    times = first_times(FLOWS)
    early = FLOWS.select(np.argsort(times)[:20])
    engine.process(FLOWS.select(np.argsort(times)[-1:]))
    engine.advance(int(times.max()))
    engine.process(early)
    assert engine.counts()["late"] > 0
    successor = Alerts(rules)
    successor.restore(json.loads(json.dumps(engine.save(whole=True))))
    successor.process(FLOWS, again=True)
    lines = [alert.json_line for alert in engine.flush()]
    assert lines
    assert set(lines) <= {alert.json_line for alert in successor.flush()}


@pytest.mark.parametrize("most", [3, 5])
def test_memory_is_bounded_and_what_makes_room_is_counted(most: int) -> None:
    rules = RuleFile.model_validate(
        {"rules": [{"name": "fresh", "by": ["saddr", "sport"], "new": {"learn": 0}, "keys": most}]}
    ).rules
    engine = Alerts(rules)
    engine.process(FLOWS)
    engine.flush()
    assert engine.counts()["evicted"] > 0
    assert len(engine.open()) <= most
