"""Capture files as blocks of framed packets: pcap and pcapng; plain, gzip or zstd; files or standard input."""

from __future__ import annotations

import gzip
import io
import mmap
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from probes.capture import framing
from probes.capture.link_types import KNOWN
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from topics.errors import CaptureError, InputError

BLOCK_PACKETS = 1 << 16
STREAM_BYTES = 1 << 22
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


@dataclass(frozen=True, slots=True)
class _Window:
    """Bytes of a file that are at hand: `data[0]` lies at `base`; `last` says that nothing follows."""

    data: Bytes
    base: int
    last: bool


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    try:
        if Path(path).is_dir():
            raise InputError(f"{path}: is a directory, not a capture file")
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _decompressed(stream: BinaryIO, head: bytes, name: str) -> BinaryIO:
    if head.startswith(GZIP_MAGIC):
        return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]  # a BinaryIO in all but its declaration
    if head.startswith(ZSTD_MAGIC):
        try:
            import zstandard
        except ImportError as error:
            raise InputError(f"{name}: is zstd-compressed, which needs the zstandard package") from error
        return zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    return stream


def _read(stream: BinaryIO, size: int, name: str, offset: int) -> bytes:
    import zstandard

    parts, wanted = [], size
    try:
        while wanted > 0 and (part := stream.read(wanted)):
            parts.append(part)
            wanted -= len(part)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, OSError) as error:
        if parts:
            return b"".join(parts)  # everything up to the damage first; the next read meets it again
        raise CaptureError(name, offset, f"damaged compressed data ({error})") from error
    return b"".join(parts)


def _mapped(stream: BinaryIO) -> Bytes | None:
    try:
        if os.fstat(stream.fileno()).st_size == 0:
            return None
        mapping = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError, io.UnsupportedOperation):
        return None
    mapping.madvise(mmap.MADV_SEQUENTIAL)
    return np.frombuffer(mapping, np.uint8)


class CaptureReader:
    """One capture file, read front to back.

    Iterating yields PacketBlocks of up to 65,536 packets. A damaged file gives everything up to the damage, then
    raises CaptureError with its name and the offset (in the uncompressed bytes); a missing file, a directory or one
    that is no capture raises InputError or CaptureError before the first block. `position` and `size` (bytes,
    None for a stream) tell how far reading has come.
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
            compressed = head.startswith((GZIP_MAGIC, ZSTD_MAGIC))
            data = None if compressed else _mapped(self._stream)
            if data is not None:
                self.size = len(data)
                yield from self._frame_mapped(data)
            else:
                yield from self._frame_stream(_decompressed(self._stream, head, self.name))
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

    def _frame_mapped(self, data: Bytes) -> Iterator[PacketBlock]:
        framer = _Framer(data[:FILE_HEADER].tobytes(), self.name)
        yield from self._frame_window(framer, _Window(data, 0, last=True), framer.start)

    def _frame_stream(self, stream: BinaryIO) -> Iterator[PacketBlock]:
        head = _read(stream, FILE_HEADER, self.name, 0)
        if not head:
            raise CaptureError(self.name, 0, "empty file")
        framer = _Framer(head, self.name)
        rest, base, at = head, 0, framer.start
        while True:
            part = _read(stream, STREAM_BYTES, self.name, base + len(rest))
            window = _Window(np.frombuffer(rest + part, np.uint8), base, last=not part)
            at = yield from self._frame_window(framer, window, at)
            if window.last:
                return
            rest, base, at = window.data[at:].tobytes(), base + at, 0

    def _frame_window(self, framer: _Framer, window: _Window, at: int) -> Iterator[PacketBlock]:
        """Yield the packets of a window; return the position behind the last whole one."""
        why = framing.FULL
        while why == framing.FULL:
            packets, at, why = framer.frame(window.data, at)
            self.position = window.base + at
            if len(packets):
                self._check_link_types(packets, window.base)
                yield PacketBlock(window.data, packets)
        if why != framing.MORE:
            raise CaptureError(self.name, window.base + at, framing.REASONS[why])
        if window.last and at < len(window.data):
            raise CaptureError(self.name, window.base + at, "file ends inside a packet")
        return at

    def _check_link_types(self, packets: np.ndarray[Any, Any], base: int) -> None:
        for link_type in np.unique(packets["link_type"]).tolist():
            if link_type not in KNOWN:
                first = int(packets["offset"][packets["link_type"] == link_type][0])
                raise CaptureError(self.name, base + first, f"packets of link type {link_type}, which is not supported,")
