"""What an exporter knows beyond packets, as labels: interfaces, the rate of sampling, autonomous systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.exporters import layout as at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.exporters.exporter import Stream
    from topics.batch import Heap, Records

Int64 = np.ndarray[Any, np.dtype[np.int64]]

MOST_KNOWN = 1 << 16
COLUMNS = (
    *(at.EXPORTER, at.SAMPLING, at.SRC_AS, at.DST_AS),
    *(at.FORWARD + at.IN_INTERFACE, at.FORWARD + at.OUT_INTERFACE),
)
ODD = np.uint64(0x9E3779B97F4A7C15)


class Labels:
    """Makes the labels of rows.

    `in` and `out` are the interfaces by which packets of the source came and left, by their names where these are
    known; `sampling` is one of how many packets was counted; `sas` and `das` are autonomous systems.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], bytes] = {}

    def put(self, rows: Int64, streams: Sequence[Stream], records: Records) -> Heap:
        """Name the labels of rows in the records made of them; return the heap that these texts lie in."""
        words = rows.view(np.uint64)
        mixed = np.zeros(len(rows), np.uint64)
        for column in COLUMNS:
            mixed = (mixed ^ words[:, column]) * ODD
            mixed ^= mixed >> np.uint64(29)
        _, first, which = np.unique(mixed, return_index=True, return_inverse=True)
        texts = [self._text(tuple(row), streams) for row in rows[first][:, COLUMNS].tolist()]
        lengths = np.array([len(text) for text in texts], np.uint32)
        begins = np.cumsum(lengths) - lengths
        records["labels_offset"], records["labels_length"] = begins[which], lengths[which]
        return np.frombuffer(b"".join(texts), np.uint8)

    def _text(self, row: tuple[int, ...], streams: Sequence[Stream]) -> bytes:
        stream = streams[row[0]]
        key = (*row, stream.exporter.labels_version)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = ":".join(_pairs(row, stream)).encode()
        return found


def _pairs(row: tuple[int, ...], stream: Stream) -> list[str]:
    _, sampling, src_as, dst_as, came, left = row
    pairs = []
    for key, number in (("in", came), ("out", left)):
        if number:
            name = stream.exporter.interfaces.get((stream.domain, number))
            pairs.append(f"{key}={escaped(name) if name else number & 0xFFFFFFFF}")
    pairs += [f"sampling={sampling}"] if sampling > 1 else []
    return pairs + [f"{key}={value & 0xFFFFFFFF}" for key, value in (("sas", src_as), ("das", dst_as)) if value]


def escaped(text: str) -> str:
    """Return a value as labels have it: what would end it is written as a backslash and its number."""
    return "".join(f"\\{ord(each):03d}" if each in ":,=\\" else each for each in text)
