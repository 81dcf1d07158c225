"""Event records: what a program or a file said on the host of an argus (its ARGUS_EVENT_DATA)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from topics.argus import layout as at
from topics.argus.management import MICRO, NANO, source_name

MOST_TEXT = 1 << 20  # bytes that one event may unpack to
LONG_LENGTH, PACKED = 0x80, 0x08  # bits of the subtype of DATA: a length of 16 bits; zlib
LONG_IDS = (at.ID_IPV6, at.ID_UUID)


@dataclass(frozen=True, slots=True)
class ArgusEvent:
    """One event: when it was (ns), the id of its source, what was said; `is_cut` when that unpacks to too much."""

    time: int = 0
    source: str = ""
    text: bytes = b""
    is_cut: bool = False


def read_event(data: bytes) -> ArgusEvent:
    """Return what the bytes of an event record say; parts that are damaged or not known are left out."""
    time, source, text, cut, place = 0, "", b"", False, at.WORD
    while place + at.WORD <= len(data):
        kind, sub, qualifier, size = data[place : place + at.WORD]
        is_long = kind == at.DATA and sub & LONG_LENGTH
        length = at.WORD * (int.from_bytes(data[place + 2 : place + 4]) if is_long else size)
        if not length or place + length > len(data):
            break
        body = data[place + at.WORD : place + length]
        if kind == at.TIME and len(body) >= 2 * at.WORD:
            unit = 1 if qualifier == at.NANOSECONDS else MICRO
            time = int.from_bytes(body[:4]) * NANO + int.from_bytes(body[4:8]) * unit
        elif kind == at.TRANSPORT and sub & 1 and len(body) >= at.WORD:
            identity = qualifier & ~at.WITH_INTERFACE
            value = body[: 16 if identity in LONG_IDS else at.WORD]
            source = source_name(identity, value) if identity not in LONG_IDS or len(value) == 16 else ""
        elif kind == at.DATA and len(body) >= at.WORD:
            text = body[at.WORD : at.WORD + int.from_bytes(body[2:4])]
            text, cut = _unpacked(text) if sub & PACKED else (text, False)
        place += length
    return ArgusEvent(time, source, text.rstrip(b"\0"), cut)


def _unpacked(text: bytes) -> tuple[bytes, bool]:
    unpacking = zlib.decompressobj()
    try:
        return unpacking.decompress(text, MOST_TEXT), bool(unpacking.unconsumed_tail)
    except zlib.error:
        return b"", False
