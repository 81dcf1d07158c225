"""What `argosy run` does with the control plane on the way: transactions and names are kept, flows get names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.control.plane import ControlPlane
from processors.names import Naming
from sinks.formats.findings import FindingsSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from probes.captures import CaptureSource
    from probes.sensor import Sensor
    from topics.batch import FlowBatch
    from topics.dns import DnsBatch
    from topics.names import AddressName

PROTOCOLS = ("dns", "mdns", "llmnr", "netbios", "dhcp", "dhcpv6", "arp", "icmpv6", "sip")


class Findings:
    """Takes the payloads of a sensor's packets before their flows are merged; `naming.table` knows the names so far.

    `told` is told of transactions and names, too.
    """

    def __init__(self, sensor: Sensor, directory: Path) -> None:
        self.naming = Naming()
        self.sink = FindingsSink(directory)
        self.failed = 0
        self.told: Callable[[DnsBatch, list[AddressName]], object] | None = None
        self._sensor, self._plane = sensor, ControlPlane(sensor.settings, PROTOCOLS)
        sensor.follow(self._plane.protocols)

    def batches(self, source: CaptureSource, progress: Callable[[], object]) -> Iterator[FlowBatch]:
        """Yield the flow records of everything a source gives."""
        for block in source:
            records = list(self._sensor.take(block))
            for payloads in self._plane.take(block, self._sensor.marks(block)):
                self._keep(*self.naming.process(payloads))
            yield from records
            progress()
        for payloads in self._plane.flush():
            self._keep(*self.naming.process(payloads))
        for transactions, names in self.naming.flush():
            self._keep(transactions, names)
        yield from self._sensor.flush()

    def _keep(self, transactions: DnsBatch, names: list[AddressName]) -> None:
        if self.told is not None:
            self.told(transactions, names)
        self.sink.write_dns(transactions)
        self.sink.write_names(names)
        rows = transactions.transactions
        self.failed += int(((rows["rcode"] > 0) | (rows["answered"] == 0)).sum())
