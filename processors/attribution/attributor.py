"""Writes into flows whose they were: labels of each end, and of alerts about the flow."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.attribution.alerts import AlertTable
from processors.attribution.sockets import SocketTable
from processors.attribution.stations import StationTable
from processors.labels.text import label_text, replaced
from topics.address_text import IP_ETHERTYPES
from topics.community_id import flow_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.attribution.sockets import Ends, Reporter
    from topics.batch import FlowBatch, Records
    from topics.events import EventRecord

TCP, UDP = 6, 17


class _Flow(NamedTuple):
    """What of a record tells whose it was; columns by their names, addresses as 16 bytes."""

    src_address: bytes
    dst_address: bytes
    src_port: int
    dst_port: int
    protocol: int
    src_first: int
    src_last: int
    dst_first: int
    dst_last: int
    dst_packets: int
    observer: int
    labels_offset: int
    labels_length: int


def _flows(records: Records) -> Iterator[_Flow]:
    """Yield records as rows of Python's numbers: NumPy takes longer for each field of each row."""
    addresses = [np.ascontiguousarray(records[name]).tobytes() for name in _Flow._fields[:2]]
    packed = [[text[at : at + 16] for at in range(0, len(text), 16)] for text in addresses]
    return map(_Flow, *packed, *(records[name].tolist() for name in _Flow._fields[2:]))


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
        records = batch.records
        places = {number: (observer.site, observer.probe) for number, observer in batch.observers.items()}
        ours, added, offsets, lengths, at = (batch.site, batch.probe), [], [], [], len(batch.heap)
        for row, flow in zip(rows, _flows(records[rows]), strict=True):
            text = label_text(self._facts(flow, places.get(flow.observer, ours)))
            if text:
                text = replaced(batch.heap_value(row, "labels"), text) if flow.labels_length else text
                self.attributed += 1
                added.append(text)
            offsets.append(at if text else flow.labels_offset)
            lengths.append(len(text) or flow.labels_length)
            at += len(text)
        records["labels_offset"][rows], records["labels_length"][rows] = offsets, lengths
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

    def _facts(self, flow: _Flow, observer: Reporter) -> dict[str, object]:
        source, destination, protocol = flow.src_address, flow.dst_address, flow.protocol
        times = [time for time in (flow.src_first, flow.src_last, flow.dst_first, flow.dst_last) if time]
        span = min(times, default=0), max(times, default=0)
        facts: dict[str, object] = {}
        if protocol in (TCP, UDP):
            there = protocol, source, flow.src_port, destination, flow.dst_port
            back = protocol, destination, flow.dst_port, source, flow.src_port
            facts = self._owner("s", there, span, observer) | self._owner("d", back, span, observer)
        facts |= self._station("s", source) | self._station("d", destination)
        if len(self.alerts):
            ids = flow_ids(source, destination, flow.src_port, flow.dst_port, protocol, flow.dst_packets)
            if signatures := self.alerts.signatures(ids, *span):
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
