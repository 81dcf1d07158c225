"""What TLS, SCRAM and the spool cost: the same records to Kafka with all of it, and with nothing of it."""

from __future__ import annotations

import operator
import os
import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.kafka.node import KafkaNode
from deploy.kafka.properties import SASL_LISTENER, NodeSecurity
from probes.spool.publisher import SpooledPublisher
from tests.certificates import Authority
from topics.bus import Publisher, create_topics
from topics.definitions import FLOW_STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from topics.batch import FlowBatch

PARTITIONS = 4
WARMING = 2  # rounds before any counts: a broker compiles what it does often
POLL_SECONDS = 0.002
USER, PASSWORD = "admin", "only-for-this-bench"


@dataclass(frozen=True, slots=True)
class SecuredRates:
    """Records a second until all are confirmed: plain, and with TLS, SCRAM and the spool, by compression.

    Connecting is left out: it comes once, and takes TLS and SCRAM a quarter of a second. `least` is the lowest of the
    ratios to the plain run before it.
    """

    plain: float
    secured: dict[str, float]
    least: dict[str, float]


def measure(batches: Sequence[FlowBatch], runs: int) -> SecuredRates:
    """Publish batches by turns in each of the ways; the median of the runs counts."""
    rates: dict[str, list[float]] = {"plain": [], "lz4": [], "zstd": []}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        authority = Authority(directory)
        certificate, key = authority.sign("broker")
        both = directory / "both.pem"
        both.write_text(key.read_text() + certificate.read_text())
        security = NodeSecurity(both, authority.certificate, {USER: PASSWORD})
        with KafkaNode(directory / "kafka", security=security, short_life=False) as node:
            for number in range(-WARMING, runs):
                for way, found in rates.items():
                    topic = f"bench.{way}.{number}"
                    create_topics(
                        f"kafka://{node.bootstrap}", [replace(FLOW_STATUS, name=topic)], partitions=PARTITIONS
                    )
                    rate = (
                        _plain(node, topic, batches)
                        if way == "plain"
                        else _secured(node, topic, batches, way, authority)
                    )
                    if number >= 0:
                        found.append(rate)
    plain = rates.pop("plain")
    least = {way: min(map(operator.truediv, found, plain)) for way, found in rates.items()}
    return SecuredRates(statistics.median(plain), {w: statistics.median(found) for w, found in rates.items()}, least)


def _plain(node: KafkaNode, topic: str, batches: Sequence[FlowBatch]) -> float:
    with Publisher(f"kafka://{node.bootstrap}", topic) as publisher:
        begun = time.perf_counter()
        for batch in batches:
            publisher.publish(batch)
    return publisher.records / (time.perf_counter() - begun)


def _secured(node: KafkaNode, topic: str, batches: Sequence[FlowBatch], way: str, authority: Authority) -> float:
    settings = {
        "TLS": "1",
        "CA_FILE": str(authority.certificate),
        "MECHANISM": "SCRAM-SHA-512",
        "USERNAME": USER,
        "PASSWORD": PASSWORD,
        "COMPRESSION": way,
    }
    with _environment({f"ARGOSY_BUS_{name}": value for name, value in settings.items()}):
        spool = authority.certificate.parent / f"spool-{topic}"
        publisher = SpooledPublisher(f"kafka://{node.listener(SASL_LISTENER)}", topic, spool, patient=True)
        publisher.publish(batches[0].select(slice(0)))  # a message without records for each partition
        while publisher.counts()["delivered_messages"] < PARTITIONS:
            time.sleep(POLL_SECONDS)
        begun = time.perf_counter()
        for batch in batches:
            publisher.publish(batch)
        if publisher.close():
            raise TimeoutError("records are left in the spool")
    return publisher.records / (time.perf_counter() - begun)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
