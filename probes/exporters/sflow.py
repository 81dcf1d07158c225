"""Datagrams of sFlow 5: whose they are, and their samples as rows."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from probes.decode.headers import COLUMNS
from probes.exporters import layout as at
from topics.address_text import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.exporters.exporter import Stream

Int64 = np.ndarray[Any, np.dtype[np.int64]]

ROWS = 4096
HEAD = struct.Struct(">II")
REST = struct.Struct(">IIII")
ADDRESS_BYTES = {1: 4, 2: 16}


class Datagram(NamedTuple):
    """The header of a datagram: the agent's address (16 bytes), its part, the number, and where samples begin."""

    agent: bytes
    sub_agent: int
    sequence: int
    begin: int


def read_header(data: memoryview, begin: int, end: int) -> Datagram | None:
    """Return the header of a datagram, None when it is none of sFlow 5."""
    if end - begin < HEAD.size:
        return None
    version, kind = HEAD.unpack_from(data, begin)
    size = ADDRESS_BYTES.get(kind)
    place = begin + HEAD.size + (size or 0)
    if version != 5 or size is None or end - place < REST.size:
        return None
    address = bytes(data[begin + HEAD.size : place])
    sub_agent, sequence, _, _ = REST.unpack_from(data, place)
    return Datagram(IPV4_MAPPED + address if size == 4 else address, sub_agent, sequence, place + REST.size)


class SampleWork:
    """Datagrams of sFlow that wait to be decoded together; their bytes are in the arena they came in."""

    def __init__(self, tunnels: int) -> None:
        self._tunnels = tunnels
        self._datagrams: list[tuple[int, int, int, int]] = []
        self._streams: list[Stream] = []
        self._facts = np.zeros(COLUMNS, np.int64)
        self._rows = np.zeros((ROWS, at.WIDTH), np.int64)
        self._ordinal = 0

    def add(self, stream: Stream, begin: int, end: int, arrived: int) -> None:
        """Take the samples of a datagram."""
        self._datagrams.append((begin, end, stream.number, arrived))
        self._streams.append(stream)

    def decoded(self, arena: np.ndarray[Any, np.dtype[np.uint8]]) -> Iterator[Int64]:
        """Decode everything that waits; yield rows, which are valid until the next ones."""
        if not self._datagrams:
            return
        from probes.exporters.sflow_kernel import COUNTED, TOLD, samples

        datagrams = np.array(self._datagrams, np.int64)
        told = np.zeros((len(datagrams), TOLD), np.int64)
        state = np.array([0, 0, 0, self._ordinal], np.int64)
        while state[0] < len(datagrams):
            written = samples(arena, datagrams, self._tunnels, state, self._facts, self._rows, told)
            if written:
                yield self._rows[:written]
        self._ordinal = int(state[3])
        for stream, row in zip(self._streams, told.tolist(), strict=True):
            for name, count in zip(COUNTED, row, strict=True):
                if count:
                    stream.exporter.counts[name] += count
        self._datagrams, self._streams = [], []
