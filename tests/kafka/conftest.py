"""Topics and workers of a test on a real Kafka."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.workers import Bench


@pytest.fixture
def bench(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> Iterator[Bench]:
    """Topics of the test's own; its workers are gone when it ends."""
    bench = Bench(kafka_bootstrap, topic_prefix, tmp_path)
    yield bench
    bench.end_workers()
    bench.remove_topics()
