"""Datagrams of a socket by the dozen: a call of the system for each costs more than decoding (Linux: recvmmsg)."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.address_text import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DATAGRAMS = 64  # at a time
LARGEST = 65536  # bytes of a datagram
SO_RXQ_OVFL = 40  # Linux, of any processor but a few
NAME_BYTES, CONTROL_BYTES = 128, 64
UPPER = 0 if sys.byteorder == "little" else 4  # bytes from a word to its lower half
INTERNET = socket.AF_INET.to_bytes(2, sys.byteorder)  # where the address of a socket begins
CONTROL = struct.Struct("@NiiI")  # what the kernel says beside a datagram: size, level, kind, value


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("pieces", ctypes.c_void_p),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Received(ctypes.Structure):
    _fields_ = (("message", _Message), ("length", ctypes.c_uint))


class Receiving:
    """Room for some datagrams of any socket; what `take` counted is there until the next one."""

    def __init__(self) -> None:
        data = np.zeros(MOST_DATAGRAMS * LARGEST, np.uint8)  # pages that nothing long comes to are never touched
        names, controls = (np.zeros(MOST_DATAGRAMS * size, np.uint8) for size in (NAME_BYTES, CONTROL_BYTES))
        self._pieces = (_Piece * MOST_DATAGRAMS)()
        self._heads = (_Received * MOST_DATAGRAMS)()
        for number, (piece, head) in enumerate(zip(self._pieces, self._heads, strict=True)):
            piece.base, piece.length = data.ctypes.data + number * LARGEST, LARGEST
            message = head.message
            message.name = names.ctypes.data + number * NAME_BYTES
            message.pieces, message.piece_count = ctypes.addressof(piece), 1
            message.control = controls.ctypes.data + number * CONTROL_BYTES
        words = np.frombuffer(memoryview(self._heads).cast("B"), np.uint32).reshape(MOST_DATAGRAMS, -1)
        self._name_lengths = words[:, _Message.name_length.offset // 4]
        self._control_lengths = words[:, (_Message.control_length.offset + UPPER) // 4]  # the upper half stays 0
        self._lengths = words[:, _Received.length.offset // 4]
        self._data, self._names, self._controls = data.data, names.tobytes, controls.data
        self._call: Any = ctypes.CDLL(None, use_errno=True).recvmmsg

    def take(self, number: int) -> int:
        """Take what waits at the socket with a file number, without waiting; return how many datagrams there were."""
        self._name_lengths[:] = NAME_BYTES
        self._control_lengths[:] = CONTROL_BYTES
        # An error is an earlier answer of ours that was refused, or that nothing waits: there is nothing to take.
        count: int = self._call(number, self._heads, MOST_DATAGRAMS, socket.MSG_DONTWAIT, None)
        return max(0, count)

    def datagrams(self, count: int) -> Iterator[tuple[bytes, memoryview]]:
        """Yield the address of each sender (16 bytes, IPv4 mapped into IPv6) and what it sent."""
        names = self._names()
        for number, length in enumerate(self._lengths[:count].tolist()):
            name, begin = number * NAME_BYTES, number * LARGEST
            if names[name : name + 2] == INTERNET:
                sender = IPV4_MAPPED + names[name + 4 : name + 8]
            else:
                sender = names[name + 8 : name + 24]
            yield sender, self._data[begin : begin + length]

    def dropped(self, count: int) -> int | None:
        """Return how many datagrams the socket had no room for since it was opened, None when it does not say."""
        for number in np.flatnonzero(self._control_lengths[:count])[::-1].tolist():
            begin = number * CONTROL_BYTES
            _, level, kind, value = CONTROL.unpack_from(self._controls, begin)
            if level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                return int(value)
        return None
