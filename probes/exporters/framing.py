"""Messages of IPFIX in a stream of bytes (RFC 7011, section 10.4): each says its length."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = struct.Struct(">HH")
VERSION, SHORTEST = 10, 16


class Framing:
    """Cuts one stream; once something else than a message comes, `lost` is true and nothing more is found."""

    def __init__(self) -> None:
        self.lost = False
        self._rest = b""

    def take(self, data: bytes) -> Iterator[bytes]:
        """Yield the messages that are complete with these bytes."""
        whole, place = self._rest + data, 0
        while not self.lost and len(whole) - place >= HEAD.size:
            version, length = HEAD.unpack_from(whole, place)
            if version != VERSION or length < SHORTEST:
                self.lost = True
                break
            if len(whole) - place < length:
                break
            yield whole[place : place + length]
            place += length
        self._rest = b"" if self.lost else whole[place:]
