"""Messages out of TCP streams: two bytes of length before each (RFC 1035 4.2.2)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.control import CONTROL_DTYPE, ControlFlags

if TYPE_CHECKING:
    from topics.batch import Heap, Records

PREFIX = 2
MOST_STREAMS = 16_384
MOST_BYTES = 16 * 1024 * 1024
KEY = ("src_address", "dst_address", "src_port", "dst_port", "stream")


class StreamMessages:
    """What of streams waits for the rest of its message, in bounded memory; `counts` says what was lost.

    Where bytes of a stream are missing, nothing tells where the next message begins: the rest of it is left out.
    """

    def __init__(self) -> None:
        self.counts = {"broken_streams": 0, "evicted_streams": 0}
        self._waiting: OrderedDict[bytes, bytes | None] = OrderedDict()  # None: broken
        self._held = 0

    def take(self, records: Records, heap: Heap) -> tuple[Records, Heap]:
        """Return payloads, with each piece of a stream replaced by the messages that it completes."""
        streamed = (records["flags"] & ControlFlags.STREAM) != 0
        if not streamed.any():
            return records, heap
        rows, messages = [], []
        for row in np.flatnonzero(streamed).tolist():
            found = self._piece(records[row], heap)
            messages += found
            rows += [row] * len(found)
        others = np.flatnonzero(~streamed)
        order = np.argsort(np.concatenate([others, np.array(rows, np.int64)]), kind="stable")
        made = _payloads(records[np.array(rows, np.int64)], messages, len(heap))
        added = np.frombuffer(b"".join(messages), np.uint8)
        return np.concatenate([records[others], made])[order], np.concatenate([heap, added])

    def _piece(self, record: Any, heap: Heap) -> list[bytes]:  # noqa: ANN401 - NumPy's structured scalar
        key = b"".join(record[name].tobytes() for name in KEY)
        flags, start = int(record["flags"]), int(record["payload_offset"])
        is_new = key not in self._waiting
        before = self._waiting.pop(key, b"")
        self._held -= len(before or b"")
        if flags & ControlFlags.LAST:
            return []
        if before is None or record["missing"] > 0 or (is_new and record["stream_offset"] > 0):
            self.counts["broken_streams"] += before is not None
            self._keep(key, None)
            return []
        data = before + heap[start : start + int(record["payload_length"])].tobytes()
        messages, at = [], 0
        while at + PREFIX <= len(data):
            end = at + PREFIX + int.from_bytes(data[at : at + PREFIX])
            if end > len(data):
                break
            messages.append(data[at + PREFIX : end])
            at = end
        self._keep(key, None if flags & ControlFlags.TRUNCATED else data[at:])
        return messages

    def _keep(self, key: bytes, data: bytes | None) -> None:
        self._waiting[key] = data
        self._held += len(data or b"")
        while len(self._waiting) > MOST_STREAMS or self._held > MOST_BYTES:
            self._held -= len(self._waiting.popitem(last=False)[1] or b"")
            self.counts["evicted_streams"] += 1


def _payloads(records: Records, messages: list[bytes], begin: int) -> Records:
    lengths = np.array([len(message) for message in messages], np.int64)
    made = records.astype(CONTROL_DTYPE)
    made["payload_length"] = made["wire_length"] = lengths
    made["payload_offset"] = begin + np.cumsum(lengths) - lengths
    made["flags"] = int(ControlFlags.STREAM)
    return made
