"""Exporters on the way over Kafka: their records are merged, and `argosy audit` accounts for each as for a probe."""

from __future__ import annotations

import dataclasses
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from clients.options import parse
from clients.sensor import sharing
from clients.sensor.options import all_options, settings_of
from clients.sensor.sharing import Sharing
from tests.clients.test_exporters import LISTENING, THERE, capture
from tests.kafka.test_audit import argosy
from tests.probes.exporters.collected import NOW, collector, told
from tests.traffic.exports import USUAL, ipfix, one_set, sender, template
from topics.batch import concatenate
from topics.bus import create_topics
from topics.definitions import EXPORTER_TEMPLATES, TopicDefinition

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


def test_collectors_tell_each_other_templates(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = dataclasses.replace(EXPORTER_TEMPLATES, name=bench.prefix + "templates")
    create_topics(f"kafka://{bench.bootstrap}", [topic])
    monkeypatch.setattr(sharing, "EXPORTER_TEMPLATES", topic)
    settings = settings_of(parse(all_options(), ["-X", "--ipfix", ":1", "--bus", f"kafka://{bench.bootstrap}"]))
    one, other, later = collector(), collector(), collector()
    with ExitStack() as stack:
        hears, heard = Sharing(settings, other, stack), Sharing(settings, one, stack)
        other.take("netflow", sender("192.0.2.1"), ipfix([one_set(256, THERE)], domain=3), NOW)
        one.take("netflow", sender("192.0.2.1"), ipfix([template(256, USUAL)], domain=3), NOW)
        end = time.monotonic() + 60
        while any(each.held for each in other.exporters.values()) and time.monotonic() < end:
            hears.listen(0.2)
        heard.listen()
        found = concatenate([batch for batch in other.finish() if len(batch)])
        assert [each["packets"] for each in told(found)] == [(10, 0)]
        Sharing(settings, later, stack)
        later.take("netflow", sender("192.0.2.1"), ipfix([one_set(256, THERE)], domain=3), NOW)
        assert sum(map(len, later.finish())) == 1
