"""One message on disk: a header that tells where it ends and whether it is whole, then the message.

The header is a mark of eight bytes that only this segment has, the number of the entry, the sizes, what the message
holds (records, packets), the checksum of the body and the checksum of the header itself. So a reader that meets damage
finds the next entry, and no message can pass for one.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("<8sQIIQI")
CHECKSUM = struct.Struct("<I")
PLACE = struct.Struct("<iHI")
HEAD = HEADER.size + CHECKSUM.size
MARK = 8
MOST_BODY = 16 * 1024 * 1024


class Priority(IntEnum):
    """What is given up first when the disk is full: the lowest."""

    STATUS = 0
    DNS = 1
    EVENTS = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A message for a partition of a topic (-1: any; with a key, that of the key), and what it holds."""

    topic: str
    value: bytes
    partition: int = -1
    key: bytes = b""
    records: int = 0
    packets: int = 0
    priority: Priority = Priority.STATUS


@dataclass(frozen=True, slots=True)
class Head:
    """What the header of an entry says."""

    number: int
    size: int
    records: int
    packets: int
    checksum: int


def encode(entry: Entry, number: int, mark: bytes) -> tuple[Head, bytes, bytes]:
    """Return the header of an entry in a segment with this mark, its bytes up to the value, and the value."""
    topic = entry.topic.encode()
    place = b"".join((PLACE.pack(entry.partition, len(topic), len(entry.key)), topic, entry.key))
    size, checksum = len(place) + len(entry.value), zlib.crc32(entry.value, zlib.crc32(place))
    head = HEADER.pack(mark, number, size, entry.records, entry.packets, checksum)
    start = b"".join((head, CHECKSUM.pack(zlib.crc32(head)), place))
    return Head(number, size, entry.records, entry.packets, checksum), start, entry.value


def encoded_size(entry: Entry) -> int:
    """Return how many bytes an entry takes."""
    return HEAD + PLACE.size + len(entry.topic.encode()) + len(entry.key) + len(entry.value)


def decode_head(data: bytes, mark: bytes) -> Head | None:
    """Return what a header says; None when it is none, or damaged."""
    if len(data) < HEAD or not data.startswith(mark):
        return None
    if CHECKSUM.unpack_from(data, HEADER.size)[0] != zlib.crc32(data[: HEADER.size]):
        return None
    _, number, size, records, packets, checksum = HEADER.unpack_from(data)
    return Head(number, size, records, packets, checksum) if size <= MOST_BODY else None


def decode_body(body: bytes, head: Head, priority: Priority) -> Entry | None:
    """Return the entry; None when its body is damaged."""
    if len(body) != head.size or zlib.crc32(body) != head.checksum:
        return None
    partition, topic_size, key_size = PLACE.unpack_from(body)
    topic_end = PLACE.size + topic_size
    value = topic_end + key_size
    topic, key = body[PLACE.size : topic_end].decode(), body[topic_end:value]
    return Entry(topic, body[value:], partition, key, head.records, head.packets, priority)
