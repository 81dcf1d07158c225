"""How many status records a second the starter set takes, and how long it is from a packet to an alert on Kafka."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from clients.alerts.chosen import rules_of
from processors.alerts import Alerts
from processors.engine.local import Watermark
from topics.alerts import RAISED, Alert, decode_alert
from topics.batch import FlowBatch, Observer, records_like
from topics.bus import Publisher, Subscriber, create_topics
from topics.definitions import ALERT_STATE, ALERTS, DEAD_LETTERS, DNS, FLOW_STATUS, NAMES, PROBES, SPANS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECOND = 1_000_000_000
TICK = 0.1  # seconds between batches
SCANS = 200  # subjects, each of which meets the rule once
PATIENCE = 120.0
INTERVAL = 1.0  # seconds: the status interval of the probe
RULES = "rules: [{name: port, match: tcp and dst port 4444, by: [saddr], summary: 'x'}]"


def rate(batches: list[FlowBatch]) -> tuple[float, int]:
    """Return the records that the starter set takes per second, and how many alerts it raised."""
    rules = rules_of([])
    engine, clock, alerts = Alerts(rules.rules, rules.silences), Watermark(), list[Alert]()
    begun = time.perf_counter()
    for batch in batches:
        engine.process(batch)
        if (come := clock.after(batch)) is not None:
            alerts += engine.advance(come)
    alerts += engine.flush()
    return sum(map(len, batches)) / (time.perf_counter() - begun), sum(each.state == RAISED for each in alerts)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the last packet of a record to the alert about it, at a reader of the topic, beyond the interval."""

    median: float
    p99: float


def latency(bootstrap: str) -> Latency:
    """Report one packet of each of SCANS subjects as a probe does, when the status interval is over, in real time."""
    url, prefix = f"kafka://{bootstrap}", f"bench-{uuid.uuid4().hex[:12]}."
    inputs = {"records": FLOW_STATUS, "probes": PROBES, "dns": DNS, "names": NAMES, "spans": SPANS}
    topics = [
        replace(topic, name=prefix + topic.name) for topic in (*inputs.values(), ALERTS, ALERT_STATE, DEAD_LETTERS)
    ]
    create_topics(url, topics)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as rules, tempfile.TemporaryFile() as log:
        rules.write(RULES)
        rules.flush()
        command = [sys.executable, "-m", "clients.main", "alerts", "run", "--bus", url, "--group", prefix]
        command += ["--rules", rules.name, "--output", prefix + ALERTS.name, "--state", prefix + ALERT_STATE.name]
        command += ["--dead-letters", prefix + DEAD_LETTERS.name]
        command += ["--input", *(f"{kind}={prefix}{topic.name}" for kind, topic in inputs.items())]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            waits = _measured(url, prefix)
        finally:
            process.terminate()
            process.wait(PATIENCE)
    beyond = np.array(waits) - INTERVAL
    return Latency(float(np.median(beyond)), float(np.quantile(beyond, 0.99)))


def _measured(url: str, prefix: str) -> list[float]:
    waits: list[float] = []
    with (
        Publisher(url, prefix + FLOW_STATUS.name) as publisher,
        Subscriber(url, prefix + ALERTS.name, decode=decode_alert, dead_letters=None) as reader,
    ):
        _until(lambda: bool(_after(reader, publisher, 0)))  # it is up: the first subject was found
        for number in range(1, SCANS):
            waits += _after(reader, publisher, number)
        _until(lambda: _more(reader, waits) >= SCANS - 20)
    return waits


def _after(reader: Subscriber[Alert], publisher: Publisher, number: int) -> list[float]:
    """Publish what a probe tells now about packets of an interval ago; return how late the alerts are that came."""
    publisher.publish(_batch(number))
    return list(_waits(reader, TICK))


def _waits(reader: Subscriber[Alert], seconds: float) -> Iterator[float]:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for each in reader.receive(left):
            if each.value.state == RAISED:
                yield time.time() - each.value.last / SECOND


def _more(reader: Subscriber[Alert], waits: list[float]) -> int:
    waits += _waits(reader, TICK)
    return len(waits)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("no alerts")


def _batch(number: int) -> FlowBatch:
    """Return a record of a subject whose packet is an interval old, and one of a packet that came just now."""
    point, now = Observer("bench", "bench", ""), time.time_ns()
    records = records_like(2)
    records["src_first"] = records["src_last"] = [now - int(INTERVAL * SECOND), now]
    records["ethertype"], records["protocol"], records["dst_port"] = 0x0800, 6, [4444, 80]
    records["src_packets"], records["observer"] = 1, point.id
    records["src_address"][:, 10:16] = np.frombuffer(b"\xff\xff\x0a\1" + number.to_bytes(2), np.uint8)
    records["src_port"] = 1024 + number
    return FlowBatch(
        records, site="bench", probe="bench", status_interval=int(INTERVAL * SECOND), observers={point.id: point}
    )
