"""A worker whose broker dies: it waits, for a while."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.node import KafkaNode
from tests.kafka.test_worker import expected, halves
from tests.kafka.workers import Bench, flows_by_key


@pytest.fixture
def node(kafka_installed: None, tmp_path: Path) -> Iterator[KafkaNode]:
    """A broker that the test may kill."""
    with KafkaNode(tmp_path / "kafka") as node:
        yield node


@pytest.fixture
def bench(node: KafkaNode, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(node.bootstrap, "away.", tmp_path)
    yield bench
    bench.end_workers()


def test_a_worker_goes_on_when_the_broker_comes_back(node: KafkaNode, bench: Bench) -> None:
    first, second = halves()
    worker = bench.start()
    bench.publish(first)
    bench.wait_for_flows(300)
    node.kill()
    node.start()
    bench.publish(second)
    bench.wait_until_all_is_acknowledged()

    assert flows_by_key(bench.flows()) == expected()
    assert worker.stop() == 0


def test_a_worker_gives_up_when_the_broker_stays_away(node: KafkaNode, bench: Bench) -> None:
    worker = bench.start("--broker-timeout", "4")
    bench.publish(halves()[0])
    bench.wait_for_flows(100)
    node.kill()

    assert worker.process.wait(20) == 1
    assert worker.log.read_text().splitlines()[-1] == (
        f"argosy worker: kafka://{node.bootstrap}: the broker has been away for 4 s"
    )
    assert "Traceback" not in worker.log.read_text()


def test_a_worker_without_a_broker_says_so_in_one_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        command = [
            sys.executable,
            "-m",
            "clients.main",
            "worker",
            "--bus",
            f"kafka://{address}",
            "--broker-timeout",
            "2",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"argosy worker: kafka://{address}: no Kafka broker answered within 2 s")
    assert done.stderr.count("\n") == 1
