"""Lists replaced under a worker: later flows are labelled anew, none is lost, and a broken list changes nothing."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.kafka.test_attribution import labels, publish
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.workers import Bench

FIRST_PORT = 5_000


def test_lists_are_replaced_while_traffic_flows(bench: Bench, tmp_path: Path) -> None:
    networks = tmp_path / "networks"
    networks.write_text("10.0.0.0/8 site=one\n")
    (tmp_path / "labels.yaml").write_text(f"addresses: [{networks.name}]\n")
    worker = bench.start("--labels", str(tmp_path / "labels.yaml"))
    sequences = count()

    def label_of_another() -> str:
        port = FIRST_PORT + next(sequences)
        publish(bench, port - FIRST_PORT, port)
        wait_until(lambda: port in labels(bench), f"the flow from port {port}")
        return labels(bench)[port]

    assert label_of_another() == "ssite=one"
    networks.write_text("10.0.0.0/8 site=two\n192.0.2.0/24 far=yes\n")
    wait_until(lambda: label_of_another() == "ssite=two:dfar=yes", "flow with the labels of the new list")
    networks.write_text("10.0.0.0/8 site=three\n10.0.0.300 site=four\n")
    worker.wait_for("networks: line 2: '10.0.0.300' is no address, network or range")
    assert label_of_another() == "ssite=two:dfar=yes"
    assert sorted(labels(bench)) == list(range(FIRST_PORT, FIRST_PORT + next(sequences)))
    assert worker.stop() == 0
