"""What the topics of a topology hold, and what came of it: nothing lost on the way, nothing twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import psycopg

from processors.names import Naming
from sinks.findings.rows import dns_rows
from topics.alerts import decode_alert
from topics.bus import Subscriber, decode_message
from topics.control import decode_control
from topics.definitions import ALERTS, CONTROL, DNS, FLOW_STATUS, SPANS
from topics.dns import decode_dns
from topics.spans import read_span_finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.deploy.topology import Topology


def losses(topology: Topology) -> dict[str, tuple[int, int]]:
    """Return what differs between the topics and what is made of them: what was to be there, and what is.

    A batch that a probe sent twice counts once: its number tells.
    """
    bus, expected = f"kafka://{topology.kafka.bootstrap}", Counter[str]()
    for batch in _once(bus, FLOW_STATUS.name, decode_message):
        expected["packets"] += sum(int(batch.records[name].sum()) for name in ("src_packets", "dst_packets"))
    naming: defaultdict[int, Naming] = defaultdict(lambda: Naming(with_table=False))
    expected["named"] = sum(
        len(naming[batch.partition].process(batch)[0]) for batch in _once(bus, CONTROL.name, decode_control)
    )
    transactions = _transactions(bus)
    alerts = {(alert.id, alert.revision) for alert in _messages(bus, ALERTS.name, decode_alert)}
    expected["dns"] = len(transactions)
    expected["spans"] = len({repr(each) for each in _messages(bus, SPANS.name, read_span_finding)})
    expected["alerts"] = expected["webhook"] = len(alerts)
    found = topology.counts()
    found["named"] = transactions.total()
    found["webhook"] = len({(said["id"], said["revision"]) for _, said in topology.delivered()} & alerts)
    with psycopg.connect(topology.database) as connection:
        row = connection.execute("SELECT coalesce(sum(packets), 0)::bigint FROM flows").fetchone()
        found["packets"] = row[0] if row else 0
    return {name: (count, found.get(name, 0)) for name, count in expected.items() if found.get(name, 0) != count}


def doubles(topology: Topology) -> dict[str, int]:
    """Return what came more often than promised.

    Transactions of DNS and alerts are on their topics once. A webhook may get an alert again, under the same key and
    with the same words, each time that the sink, the webhook itself or a broker was killed, and never without.
    """
    bus = f"kafka://{topology.kafka.bootstrap}"
    alerts = Counter((alert.id, alert.revision) for alert in _messages(bus, ALERTS.name, decode_alert))
    came = topology.delivered()
    said: dict[str, Any] = {}
    changed = sum(said.setdefault(key, body) != body or key != f"{body['id']}-{body['revision']}" for key, body in came)
    deaths = sum(topology.deaths[name] for name in ("sink-alerts", "webhook", "kafka"))
    found = {
        "dns on the topic": sum(count - 1 for count in _transactions(bus).values()),
        "alerts on the topic": sum(count - 1 for count in alerts.values()),
        "webhook: under one key, not the same": changed,
        "webhook: again without a reason": max(0, len(came) - len(said) - deaths),
    }
    return {name: count for name, count in found.items() if count}


def _transactions(bus: str) -> Counter[str]:
    """Return how often each transaction of DNS is on its topic."""
    return Counter(
        row["transaction_id"] for batch in _messages(bus, DNS.name, decode_dns) for row in dns_rows(batch)["dns"]
    )


def _once(bus: str, topic: str, decode: Callable[[bytes], Any]) -> Iterator[Any]:
    """Yield the batches of a topic, those that a probe sent again left out."""
    seen = set()
    for batch in _messages(bus, topic, decode):
        number = (batch.probe, batch.boot_id, batch.partition, batch.sequence)
        if batch.sequence < 0 or number not in seen:
            seen.add(number)
            yield batch


def _messages(bus: str, topic: str, decode: Callable[[bytes], Any]) -> Iterator[Any]:
    """Yield all that is on a topic now and was committed."""
    with Subscriber(bus, topic, decode=decode, dead_letters=None) as subscriber:
        while subscriber.behind:
            for received in subscriber.receive(0.5):
                yield received.value
