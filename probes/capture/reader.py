"""Capture files as blocks of framed packets: pcap and pcapng; plain, gzip or zstd; files or standard input."""

from __future__ import annotations

import dataclasses
import gzip
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard

from probes.capture import framing
from probes.capture.clock import Clock
from probes.capture.feed import Feed
from probes.capture.link_types import KNOWN
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from probes.capture.stream import LONGEST_MAGIC, CaptureStream, decompressed
from probes.memory import zeroed
from topics.errors import CaptureError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Generator, Iterator

BLOCK_PACKETS = 1 << 13
WINDOW_BYTES = 1 << 21
FILE_HEADER = 24
FOLLOW_LAG = 10_000_000_000  # ns
SECTION_MAGIC = 0x0A0D0D0A.to_bytes(4, "big")
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
        self._packets = np.zeros(BLOCK_PACKETS, PACKET_DTYPE)
        if self.pcap is None:
            if head[:4] != SECTION_MAGIC:
                raise CaptureError(name, 0, "neither pcap nor pcapng")
            self.start = 0
            return
        if len(head) < FILE_HEADER:
            raise CaptureError(name, len(head), "file ends inside the pcap header")
        self.start = FILE_HEADER
        self.link_type = int.from_bytes(head[20:24], "big" if self.pcap[0] else "little") & 0xFFFF

    def feed(self, descriptor: int | None) -> Feed | None:
        """Return what lets a kernel frame the rest, None where only this can."""
        if self.pcap is None or descriptor is None:
            return None
        return Feed(descriptor, framing.PcapFormat(*self.pcap, self.link_type), self._packets)

    def frame(self, data: Bytes, start: int) -> tuple[np.ndarray[Any, Any], int, int]:
        out = self._packets
        if self.pcap is None:
            count, at, why = framing.frame_pcapng(data, start, self.section, self.interfaces, out)
        else:
            count, at, why = framing.frame_pcap(data, start, *self.pcap, self.link_type, out)
        return self._packets[:count], at, why


class _Buffer:
    """A window on a stream that is read front to back: one piece of memory, filled again and again.

    It is small enough to stay in the processor's cache between reading and decoding, which beats mapping the file.
    """

    def __init__(self, stream: CaptureStream, stopped: Callable[[], bool]) -> None:
        self.bytes = zeroed(WINDOW_BYTES, np.uint8)
        self.base = 0  # where bytes[0] lies in the stream
        self.filled = 0
        self.last = False
        self.idle = False  # nothing came for a while
        self.compressed = False
        self._stream = stream
        self._stopped = stopped
        self._decompressed: io.BufferedIOBase | None = None

    @property
    def data(self) -> Bytes:
        """What is at hand."""
        return self.bytes[: self.filled]

    @property
    def descriptor(self) -> int | None:
        """Return that of a plain file that is read as it lies there to its end, None for all else."""
        return self._stream.descriptor if self._stream.whole and self._stream.size and not self.compressed else None

    def is_now(self, filled: int, base: int) -> None:
        """Follow a kernel that has read on by itself."""
        self.filled, self.base = filled, base

    def begin(self) -> bool:
        """Read until the first bytes tell how the stream is compressed; False as long as they do not."""
        self.advance(0)
        if self.filled < LONGEST_MAGIC and not self.last:
            return False
        head = self.data.tobytes()
        self._decompressed = decompressed(head, self._stream, self._stopped)
        if self._decompressed:
            self.compressed, self.last, self.filled = True, False, 0
            self.advance(0)
        return True

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
        while self.filled < len(view):
            count = self._read(view[self.filled :], self.filled == start)
            self.idle = count is None
            self.last = count == 0
            if not count:
                return
            self.filled += count
            if not self._stream.more():
                return  # what came goes first

    def _read(self, view: memoryview, first: bool) -> int | None:  # noqa: FBT001 - of the two arguments, the obvious one
        if self._decompressed is None:
            return self._stream.read_into(view)
        try:
            return self._decompressed.readinto1(view)  # one step: a longer one would lose what comes before damage
        except DECOMPRESSION_ERRORS as error:
            if self._stopped():
                return 0
            if first:  # else what came before the damage goes first; the next read meets it again
                where = self.base + self.filled
                raise CaptureError(self._stream.name, where, f"damaged compressed data ({error})") from error
            return None


class CaptureReader:
    """One capture file, read front to back.

    Iterating yields PacketBlocks of up to 8,192 packets; their memory is used again, so each is good until the next.
    A damaged file gives everything up to the damage, then raises CaptureError with its name and the offset (in the
    uncompressed bytes); a missing file, a directory or one that is no capture raises InputError or CaptureError before
    the first block. `position` and `size` (bytes, None for a stream) tell how far reading has come.

    A pipe from which nothing comes gives a block without packets every 0.2 s, and so does a file that is followed to
    see it grow; such blocks of a followed file tell the time: that of the last packet and what has gone by since, less
    FOLLOW_LAG for what its writer still holds. `stop` ends the iteration without an error.

    With `lends` blocks of a plain pcap file that is not followed have a feed; what was taken from it is not yielded.
    """

    def __init__(self, path: str, *, follow: bool = False, clock: Clock | None = None) -> None:
        self.position = 0
        self.lends = False
        self._clock = clock or Clock()
        self._follow = follow
        self._stopped = False
        self._seen = (0, 0)  # time of the last packet, and when it was read
        self._stream = CaptureStream(path, follow=follow, clock=self._clock, stopped=lambda: self._stopped)
        self.name = self._stream.name
        self.size: int | None = None

    def stop(self) -> None:
        """End the iteration soon."""
        self._stopped = True

    def __iter__(self) -> Iterator[PacketBlock]:
        try:
            buffer = _Buffer(self._stream, lambda: self._stopped)
            while not buffer.begin():
                if self._stopped:
                    return
                yield self._nothing(buffer)
            if not buffer.compressed:
                self.size = self._stream.size
            yield from self._frame(buffer)
        finally:
            self._stream.close()

    def _frame(self, buffer: _Buffer) -> Iterator[PacketBlock]:
        while buffer.filled < FILE_HEADER and not buffer.last:
            if self._stopped:
                return
            yield self._nothing(buffer)
            buffer.advance(0)
        if self._stopped:
            return
        if not buffer.filled:
            raise CaptureError(self.name, 0, "empty file")
        framer = _Framer(buffer.data[:FILE_HEADER].tobytes(), self.name)
        at, feed = framer.start, framer.feed(buffer.descriptor) if self.lends else None
        while not self._stopped:
            at = yield from self._frame_window(framer, buffer, at, feed)
            if buffer.last:
                return
            if buffer.idle:
                yield self._nothing(buffer)
            buffer.advance(at)
            at = 0

    def _frame_window(
        self, framer: _Framer, buffer: _Buffer, at: int, feed: Feed | None
    ) -> Generator[PacketBlock, None, int]:
        """Yield the packets of a window; return the position behind the last whole one, of the last window."""
        why = framing.FULL
        while why == framing.FULL:
            packets, at, why = framer.frame(buffer.data, at)
            self.position = buffer.base + at
            if len(packets):
                block = PacketBlock(buffer.data, packets)
                self._check_link_types(block, buffer.base)
                self._seen = (int(packets["time"][-1]), self._clock.now())
                if feed is None:
                    yield block
                else:
                    at, why = yield from self._lend(feed, buffer, block, at, why)
        if self._stopped:
            return at
        if why != framing.MORE:
            raise CaptureError(self.name, buffer.base + at, framing.REASONS[why])
        if buffer.last and at < buffer.filled:
            raise CaptureError(self.name, buffer.base + at, "file ends inside a packet")
        return at

    def _lend(
        self, feed: Feed, buffer: _Buffer, block: PacketBlock, at: int, why: int
    ) -> Generator[PacketBlock, None, tuple[int, int]]:
        """Yield a block with a feed, and what was found by it and not taken; return where that ends, and why."""
        while True:
            feed.lend(buffer.bytes, buffer.filled, buffer.base, at, why, len(block.packets))
            yield dataclasses.replace(block, feed=feed)
            filled, base, at, why = feed.place()
            buffer.is_now(filled, base)
            self.position = base + at
            if self._stopped or not feed.left_over:
                return at, why
            block = PacketBlock(*feed.at_hand())

    def _nothing(self, buffer: _Buffer) -> PacketBlock:
        time, read = self._seen
        now = max(time, time + self._clock.now() - read - FOLLOW_LAG) if self._follow and time else 0
        return PacketBlock(buffer.bytes, np.zeros(0, PACKET_DTYPE), now=now)

    def _check_link_types(self, block: PacketBlock, base: int) -> None:
        for link_type in block.link_types():
            if link_type not in KNOWN:
                packets = block.packets
                first = int(packets["offset"][packets["link_type"] == link_type][0])
                raise CaptureError(
                    self.name, base + first, f"packets of link type {link_type}, which is not supported,"
                )
