"""Exporters on the way over Kafka: their records are merged, and `argosy audit` accounts for each as for a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.test_exporters import LISTENING, capture
from tests.kafka.test_audit import argosy
from topics.bus import create_topics
from topics.definitions import TopicDefinition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.workers import Bench


@pytest.mark.timeout(240)
def test_every_packet_of_exporters_is_accounted_for(bench: Bench, tmp_path: Path) -> None:
    bus, probes = f"kafka://{bench.bootstrap}", bench.prefix + "probes"
    create_topics(bus, [TopicDefinition(probes, "probe", "status", 24, partitions=2)])
    worker = bench.start()
    to_bus = ["--bus", bus, "--topic", bench.input, "--status-topic", probes]
    argosy("probe", "-X", "-r", capture(tmp_path / "a.pcap"), "-e", "here", *LISTENING, *to_bus)
    bench.wait_until_all_is_acknowledged()
    assert worker.stop() == 0
    topics = ["--input", bench.input, "--output", bench.output, "--probes", probes, "--group", bench.group]
    said = argosy("audit", "--bus", bus, *topics)
    assert "every packet is accounted for" in said
    for name in ("192.0.2.1", "192.0.2.2", "192.0.2.4", "192.0.2.9", "here"):
        assert name in said
