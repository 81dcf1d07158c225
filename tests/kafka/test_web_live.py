"""The page on live topics of a real Kafka: rates of records that come, and an alert, as server-sent events."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from clients.web.serving.live_routes import _events
from clients.web.setup import Setup
from clients.web.site import Site
from clients.web.views import live
from tests.processors.status_records import Conversations, status_records
from tests.sinks.alerts.servers import ALERT
from topics.alerts import encode_alert
from topics.bus import Publisher
from topics.bus.administration import create_topics
from topics.bus.producer import ConfirmedProducer

if TYPE_CHECKING:
    from pathlib import Path

PERIODS = 1200  # looks of 0.05 s each after which the test gives up
PATIENCE = 60.0


def test_records_and_alerts_on_topics_reach_a_page_that_is_open(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    url = f"kafka://{kafka_bootstrap}"
    own = {}
    for name in ("FLOW_STATUS", "ALERTS", "SPANS"):
        topic = getattr(live, name)
        own[name] = dataclasses.replace(topic, name=topic_prefix + topic.name)
        monkeypatch.setattr(live, name, own[name])
    create_topics(url, own.values(), partitions=1)
    site = Site(Setup(cache=tmp_path / "cache", state=tmp_path / "state", bus=url))
    site.period = 0.05
    publisher = Publisher(url, own["FLOW_STATUS"].name)
    batch = status_records(Conversations(conversations=20, seconds=5.0))
    alert = dataclasses.replace(ALERT, id="0123456789abcdef")

    async def heard() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        rates: dict[str, Any] = {}
        told: dict[str, Any] = {}
        assert site.topics is not None
        view = live.LiveView(site.topics, filter_text="", by="proto", sort="wload", window=600, rows=10)
        looks = 0
        async for event in _events(site, view, {"rates", "table", "alert"}):
            kind, _, data = event.decode().partition("\ndata: ")
            if kind == "event: rates":
                looks += 1
                rates = json.loads(data)
                if not rates["flows"]:  # a reader begins at the end of its topic, which it has to find first
                    await asyncio.to_thread(publisher.publish, batch)
            elif kind == "event: alert":
                told = json.loads(data)
            elif kind == "event: table" and rates.get("flows") and told:
                return rates, json.loads(data), told
            assert looks < PERIODS
        raise AssertionError(site.live_status())

    try:
        site.start()
        producer = ConfirmedProducer(url, PATIENCE)
        begun = asyncio.run(_soon(producer, own["ALERTS"].name, alert, heard))
    finally:
        site.close()
        publisher.close()
    rates, table, told = begun
    assert rates["flows"] > 0
    assert rates["series"]
    assert rates["fps"] == pytest.approx(rates["flows"] / 600)  # all of them began in the window
    loads = [row["values"][0] for row in table["rows"]]
    assert loads == sorted(loads, reverse=True)
    assert len(table["rows"]) == min(table["total"], 10) > 0
    assert (told["id"], told["rule"]) == (alert.id, alert.rule)


async def _soon(producer: ConfirmedProducer, topic: str, alert: Any, heard: Any) -> Any:
    """Begin to listen, and send an alert only then: those from before are no news."""

    listening = asyncio.create_task(heard())
    await asyncio.sleep(0)
    await asyncio.to_thread(producer.send, topic, encode_alert(alert), 0, b"one")
    await asyncio.to_thread(producer.flush)
    return await listening
