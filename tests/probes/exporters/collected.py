"""A collector fed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from probes.exporters.collector import Collector, CollectorSettings
from tests.traffic.exports import SENT, sender
from topics.address_text import ip_text
from topics.batch import END_OF_RUN, concatenate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.batch import FlowBatch

SECOND = 1_000_000_000
NOW = SENT * SECOND
ROUTER = "192.0.2.1"


def collector(**changes: Any) -> Collector:
    """Return a collector with settings of its own."""
    return Collector(CollectorSettings(boot_id=1, **changes))


def collected(
    messages: Iterable[bytes], one: Collector | None = None, *, exporter: str = ROUTER, kind: str = "netflow"
) -> FlowBatch:
    """Return the records of some messages of one exporter, a tenth of a second apart."""
    one = one or collector()
    for number, message in enumerate(messages):
        one.take(kind, sender(exporter), message, NOW + number * SECOND // 10)
    batches = list(one.finish())
    assert batches[-1].watermark == END_OF_RUN
    return concatenate([batch for batch in batches if len(batch)])


def told(batch: FlowBatch) -> list[dict[str, Any]]:
    """Return what records say, in the order of their ports."""
    found = []
    for row, each in enumerate(batch.records):
        found.append(
            {
                "from": ip_text(each["src_address"].tobytes()),
                "to": ip_text(each["dst_address"].tobytes()),
                "ports": (int(each["src_port"]), int(each["dst_port"])),
                "packets": (int(each["src_packets"]), int(each["dst_packets"])),
                "bytes": (int(each["src_bytes"]), int(each["dst_bytes"])),
                "labels": batch.heap_value(row, "labels").decode(),
                "protocol": int(each["protocol"]),
            }
        )
    return sorted(found, key=lambda each: each["ports"])
