"""Files of Argus, version 3 and 5, plain or compressed with gzip, bzip2 or xz; `-` is a pipe with records of Argus."""

from __future__ import annotations

import lzma
import sys
import zlib
from contextlib import nullcontext
from typing import TYPE_CHECKING

from sinks.formats.names import DASH, decompressed, reason
from sinks.formats.writer import Writer
from topics.argus.decoder import ArgusDecoder
from topics.argus.encoder import ArgusEncoder, first_record
from topics.errors import ArgusError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from topics.batch import FlowBatch

READ_AT_ONCE = 1 << 21
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)


def read_argus(path: str) -> Iterator[FlowBatch]:
    """Yield the flow records of a file; management and event records, and parts without a field here, are left out.

    Raises ArgusError naming file and offset (of what was compressed) where it is damaged, after what precedes that.
    """
    return decoded(ArgusDecoder(path))


def decoded(decoder: ArgusDecoder) -> Iterator[FlowBatch]:
    """Yield the flow records of the file that a decoder is named after, as `read_argus` does."""
    try:
        with _opened(decoder.name) as stream:
            while data := _read(stream):
                yield from decoder.feed(data)
                decoder.events.clear()
                decoder.managements.clear()
        decoder.end()
    except InputError:
        raise
    except DAMAGE as error:
        raise ArgusError(decoder.name, decoder.offset, f"damaged ({reason(error)}) behind the record") from error


def _opened(path: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if path == DASH else decompressed(path)


def _read(stream: BinaryIO) -> bytes:
    """Return what there is, up to much: a pipe is not waited for until that is together."""
    read = getattr(stream, "read1", stream.read)
    data: bytes = read(READ_AT_ONCE)
    return data


class ArgusWriter(Writer):
    """Writes records of version 3, which clients of Argus 3 and 5 read; what they have no place for is left out."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._encoder = ArgusEncoder()
        self._begun = False

    def _write(self, batch: FlowBatch) -> None:
        if len(batch):
            self._begin(batch)
            for data, _ in self._encoder.pieces(batch):
                self._destination.stream.write(data)

    def _begin(self, batch: FlowBatch | None) -> None:
        if not self._begun:
            self._destination.stream.write(first_record(batch))
        self._begun = True

    def _finish(self) -> None:
        self._begin(None)
