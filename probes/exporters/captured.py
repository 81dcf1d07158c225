"""What exporters sent, out of captures of packets."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from probes.control.plane import ControlPlane
from probes.exporters.framing import Framing
from probes.flows.probe import ProbeSettings
from topics.control import ControlFlags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probes.capture.packets import PacketBlock
    from topics.control import ControlBatch

MOST_STREAMS = 1024
CUT = int(ControlFlags.TRUNCATED | ControlFlags.FRAGMENT)


class Sent(NamedTuple):
    """A message: when it was captured (ns), by which address it was sent (16 bytes), what kind it is, its bytes."""

    time: int
    sender: bytes
    kind: str
    data: bytes


class CapturedExports:
    """Finds messages in blocks of packets: those to the ports of `endpoints` (kind, host, port), IPFIX over TCP too.

    `truncated` counts those that were not captured in full, which are left out.
    """

    def __init__(self, endpoints: Iterable[tuple[str, str, int]]) -> None:
        self.truncated = self.broken_streams = 0
        self._kinds: dict[int, str] = {}
        words = []
        for kind, _, port in endpoints:
            self._kinds[port] = kind
            words.append(f"udp:{port}")
            words += [f"tcp:{port}"] if kind == "ipfix" else []
        self._plane = ControlPlane(ProbeSettings(tunnels=0), words)
        self._streams: OrderedDict[bytes, Framing] = OrderedDict()

    def take(self, block: PacketBlock) -> Iterator[Sent]:
        """Yield the messages of a block."""
        for batch in self._plane.take(block):
            yield from self._messages(batch)

    def flush(self) -> Iterator[Sent]:
        """Yield what waited for bytes before it."""
        for batch in self._plane.flush():
            yield from self._messages(batch)

    def _messages(self, batch: ControlBatch) -> Iterator[Sent]:
        records, heap = batch.records, batch.heap.tobytes()
        columns = ("time", "dst_port", "payload_offset", "payload_length", "flags", "missing")
        senders, ports = records["src_address"], records["src_port"].tolist()
        for row, values in enumerate(zip(*(records[name].tolist() for name in columns), strict=True)):
            time, port, begin, length, flags, missing = values
            kind = self._kinds.get(port)
            if kind is None:
                continue  # what goes back to an exporter
            sender = senders[row].tobytes()
            data = heap[begin : begin + length]
            what = "sflow" if kind == "sflow" else "netflow"
            if flags & ControlFlags.STREAM:
                key = sender + ports[row].to_bytes(2, "big") + port.to_bytes(2, "big")
                yield from (Sent(time, sender, what, each) for each in self._framed(key, data, flags, missing))
            elif flags & CUT:
                self.truncated += 1
            else:
                yield Sent(time, sender, what, data)

    def _framed(self, key: bytes, data: bytes, flags: int, missing: int) -> Iterator[bytes]:
        framing = self._streams.setdefault(key, Framing())
        self._streams.move_to_end(key)
        if missing and not framing.lost:
            framing.lost = True  # where the next message begins is not known any more
            self.broken_streams += 1
        yield from framing.take(data)
        if flags & ControlFlags.LAST:
            del self._streams[key]
        while len(self._streams) > MOST_STREAMS:
            self._streams.popitem(last=False)
