"""The port of a program: its pages, their status codes, and what it says when it cannot have the port."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from clients.telemetry.server import serving
from tests.metrics_served import undeclared
from topics.errors import SettingsError
from topics.metrics import table
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.telemetry.exposition import Reading


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    table.forget()
    VITALS.reset()
    yield
    table.forget()
    VITALS.reset()


def asked(port: int, page: str, method: str = "GET") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{page}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers["Content-Type"], refusal.read().decode()


def port_of(where: tuple[str, int] | None) -> int:
    assert where is not None
    assert where[0] == "127.0.0.1"
    return where[1]


def test_health_is_told_with_its_reasons() -> None:
    with serving(":0", "worker") as where:
        port = port_of(where)
        assert asked(port, "/healthz")[0] == 200
        status, kind, body = asked(port, "/readyz")
        assert (status, kind, json.loads(body)["status"]) == (503, "application/json", "failing")
        VITALS.settle("reading", "partitions 0-7")
        status, _, body = asked(port, "/readyz?verbose")
        assert status == 200
        assert json.loads(body)["checks"] == [{"name": "reading", "ok": True, "reason": "partitions 0-7"}]
        assert json.loads(body)["program"] == "worker"
        assert asked(port, "/readyz", "HEAD")[::2] == (200, "")
        assert asked(port, "/anything")[0] == 404
        assert asked(port, "/metrics", "POST")[0] == 501


def test_metrics_are_those_that_were_counted_and_those_that_are_read() -> None:
    table.CONSUMED_MESSAGES.add(3, "flows", "group")
    table.BATCH_SECONDS.observe(0.3, "merge")
    table.PACKET_AGE.observe(1e9, "received")  # of an old capture
    readings: list[Reading] = [(table.WORKER_RECORDS, 5.0), (table.WORKER_MISSING, {("a", 'b"\n'): 2.0})]
    with serving(":0", "worker", lambda: readings) as where:
        status, kind, text = asked(port_of(where), "/metrics")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert undeclared(text, "worker") == set()
    for line in (
        'argosy_consumer_messages_total{group="group",topic="flows"} 3.0',
        'argosy_batch_duration_seconds_bucket{le="0.25",stage="merge"} 0.0',
        'argosy_batch_duration_seconds_bucket{le="0.5",stage="merge"} 1.0',
        'argosy_packet_age_seconds_bucket{le="14400.0",stage="received"} 0.0',
        'argosy_packet_age_seconds_bucket{le="+Inf",stage="received"} 1.0',
        'argosy_worker_missing_batches_total{probe="b\\"\\n",site="a"} 2.0',
        "argosy_worker_records_total 5.0",
        "argosy_worker_unacknowledged_messages 0.0",
        "argosy_ready 0.0",
        'argosy_build_info{program="worker",',
    ):
        assert line in text
    assert "argosy_probe" not in text
    assert "\nprocess_cpu_seconds_total" in text


def test_nothing_is_served_without_an_address() -> None:
    with serving("", "worker") as where:
        assert where is None


@pytest.mark.parametrize("address", ["nonsense", ":99999", "host.invalid:1"])
def test_an_address_that_cannot_be_had_is_named(address: str) -> None:
    with pytest.raises(SettingsError, match=f"option --metrics names '{address}'"), serving(address, "worker"):
        pass


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match="Address already in use"), serving(f":{port}", "worker"):
            pass
