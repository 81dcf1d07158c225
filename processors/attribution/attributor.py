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
from topics.community_id import flow_ids

if TYPE_CHECKING:
    from processors.attribution.sockets import Ends, Reporter
    from topics.batch import FlowBatch
    from topics.events import EventRecord

TCP, UDP = 6, 17


class Attributor:
    """Labels flows by the events that `learn` was told, as of the time of each flow; labels go into the batches given.

    For each end (`s`, `d`) on a host that reports its sockets: `sprocess`, `spid`, `sowner`, `scontainer`, `spod`, and
    `ssure` (exact, listening; unknown when the connection was too short to be seen: it is counted, never guessed). For
    addresses that devices know: `sstation`, `sswitch`, `sswport`. For alerts: `alert`, the numbers of their signatures.
    `counts` has the ends of flows by how sure they are, `alerted` the flows with alerts, `attributed` those with any.
    """

    def __init__(self) -> None:
        self.sockets, self.alerts, self.stations = SocketTable(), AlertTable(), StationTable()
        self.counts: Counter[str] = Counter()
        self.alerted = self.attributed = 0

    def learn(self, event: EventRecord) -> None:
        """Take an event, in the order they were recorded."""
        self.sockets.add(event)
        self.alerts.add(event)
        self.stations.add(event)

    def process(self, batch: FlowBatch) -> list[FlowBatch]:
        """Label the flows of a batch."""
        rows = np.flatnonzero(self._of_interest(batch)).tolist()
        if not rows:
            return [batch]
        records, added, at = batch.records, [], len(batch.heap)
        places = {number: (observer.site, observer.probe) for number, observer in batch.observers.items()}
        for row in rows:
            observer = places.get(int(records["observer"][row]), (batch.site, batch.probe))
            text = label_text(self._facts(records[row], observer))
            if text:
                text = replaced(batch.heap_value(row, "labels"), text)
                records["labels_offset"][row], records["labels_length"][row] = at, len(text)
                added.append(text)
                at += len(text)
        self.attributed += len(added)
        more: Any = np.frombuffer(b"".join(added), np.uint8)
        return [batch.replace(heap=np.concatenate([batch.heap, more]))]

    def flush(self) -> list[FlowBatch]:
        """Return nothing: flows are not held back."""
        return []

    def _of_interest(self, batch: FlowBatch) -> Any:  # noqa: ANN401 - an array
        """Return which flows have an end that something is known of; each address is looked up once."""
        records = batch.records
        found = np.zeros(len(records), np.bool_)
        for side in ("src_address", "dst_address"):
            words = np.ascontiguousarray(records[side]).view("S16").reshape(-1)
            distinct, places = np.unique(words, return_inverse=True)
            known = [self._is_known(address.ljust(16, b"\0")) for address in distinct.tolist()]
            found |= np.array(known, np.bool_)[places]
        return found & np.isin(records["ethertype"], IP_ETHERTYPES)

    def _is_known(self, address: bytes) -> bool:
        return address in self.sockets or address in self.stations or address in self.alerts

    def _facts(self, record: Any, observer: Reporter) -> dict[str, object]:  # noqa: ANN401 - a row of an array
        source, destination = record["src_address"].tobytes(), record["dst_address"].tobytes()
        source_port, destination_port = int(record["src_port"]), int(record["dst_port"])
        protocol = int(record["protocol"])
        times = [int(record[name]) for name in ("src_first", "src_last", "dst_first", "dst_last") if record[name]]
        first, last = min(times, default=0), max(times, default=0)
        facts: dict[str, object] = {}
        if protocol in (TCP, UDP):
            there = protocol, source, source_port, destination, destination_port
            back = protocol, destination, destination_port, source, source_port
            facts |= self._owner("s", there, (first, last), observer) | self._owner("d", back, (first, last), observer)
        facts |= self._station("s", source) | self._station("d", destination)
        if len(self.alerts):
            ids = flow_ids(source, destination, source_port, destination_port, protocol, int(record["dst_packets"]))
            if signatures := self.alerts.signatures(ids, first, last):
                facts["alert"] = signatures
                self.alerted += 1
        return facts

    def _owner(self, side: str, ends: Ends, times: tuple[int, int], observer: Reporter) -> dict[str, object]:
        found = self.sockets.owner(ends, *times, observer)
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
