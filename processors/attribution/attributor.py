"""Writes into flows whose they were: labels of each end, and of alerts about the flow."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.attribution.alerts import AlertTable
from processors.attribution.sockets import SocketTable
from processors.attribution.stations import StationTable
from processors.labels.text import label_text, replaced
from topics.address_text import IP_ETHERTYPES
from topics.community_id import COUNTERPARTS, community_id

if TYPE_CHECKING:
    from topics.batch import FlowBatch
    from topics.events import EventRecord

TCP, UDP = 6, 17


class Attributor:
    """Labels flows by the events that `learn` was told, as of the time of each flow; labels go into the batches given.

    For each end (`s`, `d`) on a host that reports its sockets: `sprocess`, `spid`, `sowner`, `scontainer`, `spod`, and
    `ssure` (exact, listening; unknown when the connection was too short to be seen: it is counted, never guessed). For
    addresses that devices know: `sstation`, `sswitch`, `sswport`. For alerts: `alert`, the numbers of their signatures.
    `counts` has the ends of flows by how sure they are.
    """

    def __init__(self) -> None:
        self.sockets, self.alerts, self.stations = SocketTable(), AlertTable(), StationTable()
        self.counts: Counter[str] = Counter()

    def learn(self, event: EventRecord) -> None:
        """Take an event, in the order they were recorded."""
        self.sockets.add(event)
        self.alerts.add(event)
        self.stations.add(event)

    def process(self, batch: FlowBatch) -> list[FlowBatch]:
        """Label the flows of a batch."""
        if not len(batch):
            return [batch]
        records, added, at = batch.records, [], len(batch.heap)
        is_ip = np.isin(records["ethertype"], IP_ETHERTYPES)
        for row in np.flatnonzero(is_ip).tolist():
            text = label_text(self._facts(records[row]))
            if text:
                text = replaced(batch.heap_value(row, "labels"), text)
                records["labels_offset"][row], records["labels_length"][row] = at, len(text)
                added.append(text)
                at += len(text)
        more: Any = np.frombuffer(b"".join(added), np.uint8)
        return [batch.replace(heap=np.concatenate([batch.heap, more]))]

    def flush(self) -> list[FlowBatch]:
        """Return nothing: flows are not held back."""
        return []

    def _facts(self, record: Any) -> dict[str, object]:  # noqa: ANN401 - a row of a structured array
        source, destination = record["src_address"].tobytes(), record["dst_address"].tobytes()
        source_port, destination_port = int(record["src_port"]), int(record["dst_port"])
        protocol = int(record["protocol"])
        times = [int(record[name]) for name in ("src_first", "src_last", "dst_first", "dst_last") if record[name]]
        first, last = min(times, default=0), max(times, default=0)
        facts: dict[str, object] = {}
        if protocol in (TCP, UDP):
            there = protocol, source, source_port, destination, destination_port
            back = protocol, destination, destination_port, source, source_port
            facts |= self._owner("s", there, first, last) | self._owner("d", back, first, last)
        facts |= self._station("s", source) | self._station("d", destination)
        if len(self.alerts):
            if protocol in COUNTERPARTS:
                source_port, destination_port = divmod(source_port, 256)
            known = community_id(source, destination, source_port, destination_port, protocol)
            if signatures := self.alerts.signatures(known, first, last):
                facts["alert"] = signatures
        return facts

    def _owner(self, side: str, ends: tuple[int, bytes, int, bytes, int], first: int, last: int) -> dict[str, object]:
        found = self.sockets.owner(ends, first, last)
        if found is None:
            return {}
        sure, owner = found
        self.counts[sure] += 1
        facts: dict[str, object] = {f"{side}sure": sure}
        if owner is not None:
            names = {"process": owner.process, "pid": owner.pid, "owner": owner.user}
            names |= {"container": owner.container, "pod": owner.pod}
            facts |= {f"{side}{name}": value for name, value in names.items() if value}
        return facts

    def _station(self, side: str, address: bytes) -> dict[str, object]:
        found = self.stations.station(address)
        if found is None:
            return {}
        mac, place = found
        facts: dict[str, object] = {f"{side}station": mac.hex("-")}
        return facts if place is None else facts | {f"{side}switch": place.switch, f"{side}swport": place.port}
