"""`argosy sink alerts` on a real Kafka: a dead channel delays only itself, a sink that is killed leaves nothing out."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import yaml

from tests.kafka.evaluators import Evaluators
from tests.sinks.alerts.servers import ALERT, WebServer
from tests.waiting import wait_until
from topics.alerts import decode_alert, encode_alert
from topics.bus.producer import ConfirmedProducer
from topics.bus.snapshot import Snapshot
from topics.dead_letters import DeadLetter, read_dead_letter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.workers import WorkerProcess

PATIENCE = 60.0
LEVELS = ("low", "high")
ALERTS = [dataclasses.replace(ALERT, id=f"{number:016x}", severity=LEVELS[number % 2]) for number in range(12)]
IDS = [alert.id for alert in ALERTS]


def publish(evaluators: Evaluators, first: int, last: int) -> None:
    producer = ConfirmedProducer(evaluators.url, PATIENCE)
    for alert in ALERTS[first:last]:
        producer.send(evaluators.alerts, encode_alert(alert), 0, b"one")
    producer.send(evaluators.alerts, b"no alert", 1)
    producer.flush()


def start(evaluators: Evaluators, channels: Path) -> WorkerProcess:
    command = [sys.executable, "-m", "clients.main", "sink", "alerts", "--bus", evaluators.url]
    command += ["--channels", str(channels), "--topic", evaluators.alerts, "--group", evaluators.prefix + "sink"]
    return evaluators.spawn([*command, "--dead-letters", evaluators.dead_letters])


def test_a_dead_channel_delays_only_itself_and_a_kill_leaves_nothing_out(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    evaluators = Evaluators(kafka_bootstrap, topic_prefix, tmp_path)
    with WebServer() as well, WebServer() as picky:
        picky.answers.extend([400, 503])
        channels = [
            {"name": "dead", "webhook": {"url": "http://127.0.0.1:9"}, "patience": 900},
            {"name": "well", "webhook": {"url": well.url}},
            {"name": "picky", "webhook": {"url": picky.url}, "when": {"severity": "high"}},
        ]
        (tmp_path / "channels.yaml").write_text(yaml.safe_dump({"channels": channels}))
        try:
            publish(evaluators, 0, 6)
            sink = start(evaluators, tmp_path / "channels.yaml")
            wait_until(lambda: len(well.ids) >= 6 and len(picky.ids) >= 4, "deliveries")
            well.gate.clear()
            publish(evaluators, 6, 12)
            wait_until(lambda: len(well.ids) == 7, "a delivery that is not answered")
            sink.kill()
            well.gate.set()
            sink = start(evaluators, tmp_path / "channels.yaml")
            wait_until(lambda: set(well.ids) == set(IDS), "all deliveries")
            wait_until(lambda: set(picky.ids) == set(IDS[1::2]), "all deliveries of the picky one")
            assert sink.stop() == 0
        finally:
            evaluators.end()
    assert list(dict.fromkeys(well.ids)) == IDS
    assert well.ids.count(IDS[6]) == 2
    assert len(well.ids) <= len(IDS) + 2  # as the one before may that was answered and not yet committed
    keys = [headers["Idempotency-Key"] for headers in well.headers]
    assert dict(zip(keys, well.ids, strict=True)) == {f"{name}-0": name for name in IDS}
    letters = [letter for _, _, letter in Snapshot(evaluators.url, evaluators.dead_letters, read_dead_letter)]
    refused = [letter for letter in letters if letter.reason.startswith("channel 'picky': answered 400")]
    assert [decode_alert(letter.value).id for letter in refused] == [IDS[1]]
    assert unreadable(letters)
    assert "dead: 0 delivered" in sink.log.read_text()


def unreadable(letters: list[DeadLetter]) -> list[DeadLetter]:
    return [letter for letter in letters if letter.value == b"no alert"]
