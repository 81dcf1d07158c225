"""Evaluators of rules that are killed, replaced, and whose broker dies: no alert is lost, none is told twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy.kafka.node import KafkaNode
from tests.kafka.evaluators import Evaluators, expected, traffic
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def node(kafka_installed: None, tmp_path: Path) -> Iterator[KafkaNode]:
    """A broker that the test may kill."""
    with KafkaNode(tmp_path / "kafka") as node:
        yield node


@pytest.fixture
def evaluators(node: KafkaNode, tmp_path: Path) -> Iterator[Evaluators]:
    evaluators = Evaluators(node.bootstrap, "alerting.", tmp_path)
    yield evaluators
    evaluators.end()


def test_kills_and_a_broker_that_dies_lose_and_double_no_alert(node: KafkaNode, evaluators: Evaluators) -> None:
    batches = traffic()
    wanted = expected(batches)
    for share in range(3):
        evaluators.publish(batches[share * len(batches) // 4 : (share + 1) * len(batches) // 4])
        evaluator = evaluators.start()
        told = len(evaluators.published())
        wait_until(lambda told=told: len(evaluators.published()) > told, "alerts")  # type: ignore[misc]
        if share < 2:
            evaluator.kill()
    node.kill()
    node.start()
    successor = evaluators.start()  # takes over
    evaluators.publish(batches[3 * len(batches) // 4 :])
    wait_until(lambda: evaluator.process.poll() is not None, "end of the one before")
    wait_until(lambda: len(evaluators.published()) >= len(wanted), "all alerts")

    assert successor.stop() == 0
    assert evaluators.lines() == wanted
