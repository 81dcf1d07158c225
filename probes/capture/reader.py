"""Capture files as blocks of framed packets: pcap and pcapng; plain, gzip or zstd; files or standard input."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import zstandard

from probes.capture import framing
from probes.capture.link_types import KNOWN
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from topics.errors import CaptureError, InputError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

BLOCK_PACKETS = 1 << 14
WINDOW_BYTES = 1 << 20
FILE_HEADER = 24
SECTION_MAGIC = 0x0A0D0D0A.to_bytes(4, "big")
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
PCAP_MAGICS = {  # bytes of the magic number: (big endian, ns of one tick)
    b"\xd4\xc3\xb2\xa1": (0, 1000),
    b"\xa1\xb2\xc3\xd4": (1, 1000),
    b"\x4d\x3c\xb2\xa1": (0, 1),
    b"\xa1\xb2\x3c\x4d": (1, 1),
}

DECOMPRESSION_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, OSError)

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class _Framer:
    """Frames one file; carries what pcap's file header or pcapng's sections said."""

    def __init__(self, head: bytes, name: str) -> None:
        self.name = name
        self.pcap = PCAP_MAGICS.get(head[:4])
        self.link_type = 0
        self.section = np.zeros(3, np.int64)
        self.interfaces = np.zeros((framing.MAX_INTERFACES, 4), np.int64)
        if self.pcap is None:
            if head[:4] != SECTION_MAGIC:
                raise CaptureError(name, 0, "neither pcap nor pcapng")
            self.start = 0
            return
        if len(head) < FILE_HEADER:
            raise CaptureError(name, len(head), "file ends inside the pcap header")
        self.start = FILE_HEADER
        self.link_type = int.from_bytes(head[20:24], "big" if self.pcap[0] else "little") & 0xFFFF

    def frame(self, data: Bytes, start: int) -> tuple[np.ndarray[Any, Any], int, int]:
        out = np.zeros(BLOCK_PACKETS, PACKET_DTYPE).view(np.recarray)
        if self.pcap is None:
            count, at, why = framing.frame_pcapng(data, start, self.section, self.interfaces, out)
        else:
            count, at, why = framing.frame_pcap(data, start, *self.pcap, self.link_type, out)
        return out[:count].view(PACKET_DTYPE, np.ndarray), at, why


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    try:
        if Path(path).is_dir():
            raise InputError(f"{path}: is a directory, not a capture file")
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _decompressed(stream: BinaryIO, head: bytes) -> BinaryIO:
    if head.startswith(GZIP_MAGIC):
        return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]  # a BinaryIO in all but its declaration
    if head.startswith(ZSTD_MAGIC):
        return zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    return stream


def _size(stream: BinaryIO) -> int | None:
    try:
        return os.fstat(stream.fileno()).st_size or None
    except (OSError, io.UnsupportedOperation):
        return None


class _Buffer:
    """A window on a stream that is read front to back: one piece of memory, filled again and again.

    It is small enough to stay in the processor's cache between reading and decoding, which beats mapping the file.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.bytes = np.zeros(WINDOW_BYTES, np.uint8)
        self.base = 0  # where bytes[0] lies in the stream
        self.filled = 0
        self.last = False
        self._stream = stream
        self._name = name

    @property
    def data(self) -> Bytes:
        """What is at hand."""
        return self.bytes[: self.filled]

    def advance(self, used: int) -> None:
        """Forget the first `used` bytes and read on; `last` is set when nothing more comes."""
        rest = self.filled - used
        if rest == len(self.bytes):
            self.bytes = np.concatenate([self.bytes, np.zeros_like(self.bytes)])
        self.bytes[:rest] = self.bytes[used : self.filled].copy()
        self.base += used
        self.filled = rest
        self._fill()

    def _fill(self) -> None:
        view, start = memoryview(self.bytes.data), self.filled
        try:
            while self.filled < len(view):
                count = self._stream.readinto(view[self.filled :])  # type: ignore[attr-defined]  # all of ours can
                if not count:
                    self.last = True
                    return
                self.filled += count
        except DECOMPRESSION_ERRORS as error:
            if self.filled == start:  # else what came before the damage goes first; the next read meets it again
                where = self.base + self.filled
                raise CaptureError(self._name, where, f"damaged compressed data ({error})") from error


class CaptureReader:
    """One capture file, read front to back.

    Iterating yields PacketBlocks of up to 16,384 packets; their memory is used again, so each is good until the next.
    A damaged file gives everything up to the damage, then raises CaptureError with its name and the offset (in the
    uncompressed bytes); a missing file, a directory or one that is no capture raises InputError or CaptureError before
    the first block. `position` and `size` (bytes, None for a stream) tell how far reading has come.
    """

    def __init__(self, path: str) -> None:
        self.name = "standard input" if path == "-" else path
        self.position = 0
        self.size: int | None = None
        self._stream = _open(path)

    def __iter__(self) -> Iterator[PacketBlock]:
        try:
            head = self._peek()
            if not head:
                raise CaptureError(self.name, 0, "empty file")
            if not head.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
                self.size = _size(self._stream)
            yield from self._frame(_Buffer(_decompressed(self._stream, head), self.name))
        finally:
            if self._stream is not sys.stdin.buffer:
                self._stream.close()

    def _peek(self) -> bytes:
        if not isinstance(self._stream, io.BufferedReader):
            self._stream = io.BufferedReader(self._stream)  # type: ignore[type-var]  # a raw stream under standard input
        try:
            return self._stream.peek(FILE_HEADER)[:FILE_HEADER]
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror or error}") from error

    def _frame(self, buffer: _Buffer) -> Iterator[PacketBlock]:
        buffer.advance(0)
        if not buffer.filled:
            raise CaptureError(self.name, 0, "empty file")
        framer = _Framer(buffer.data[:FILE_HEADER].tobytes(), self.name)
        at = framer.start
        while True:
            at = yield from self._frame_window(framer, buffer, at)
            if buffer.last:
                return
            buffer.advance(at)
            at = 0

    def _frame_window(self, framer: _Framer, buffer: _Buffer, at: int) -> Generator[PacketBlock, None, int]:
        """Yield the packets of a window; return the position behind the last whole one."""
        data, why = buffer.data, framing.FULL
        while why == framing.FULL:
            packets, at, why = framer.frame(data, at)
            self.position = buffer.base + at
            if len(packets):
                self._check_link_types(packets, buffer.base)
                yield PacketBlock(data, packets)
        if why != framing.MORE:
            raise CaptureError(self.name, buffer.base + at, framing.REASONS[why])
        if buffer.last and at < len(data):
            raise CaptureError(self.name, buffer.base + at, "file ends inside a packet")
        return at

    def _check_link_types(self, packets: np.ndarray[Any, Any], base: int) -> None:
        for link_type in np.unique(packets["link_type"]).tolist():
            if link_type not in KNOWN:
                first = int(packets["offset"][packets["link_type"] == link_type][0])
                raise CaptureError(
                    self.name, base + first, f"packets of link type {link_type}, which is not supported,"
                )
