"""Single Avro values out of bytes, each length checked against the bytes there are: what stands around the records."""

from __future__ import annotations

import struct
from typing import Any

from topics.errors import DecodeError

SHIFTS = range(0, 70, 7)
INT = range(-(2**31), 2**31)


class AvroReader:
    """Reads values one after the other; `at` is the position of the next. Every method raises DecodeError."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = memoryview(data)
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self.data) - self.at

    def long(self) -> int:
        """Read a variable-length zigzag number of at most 64 bits."""
        data, start, value = self.data, self.at, 0
        at = start
        try:
            byte = data[at]
            if byte < 0x80:  # most are so short
                self.at = at + 1
                return (byte >> 1) ^ -(byte & 1)
            for shift in SHIFTS:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
            else:
                raise DecodeError(f"number of more than {len(SHIFTS)} bytes", start)
        except IndexError:
            raise DecodeError("the message ends inside a number", start) from None
        if value >= 2**64:
            raise DecodeError("number wider than 64 bits", start)
        self.at = at
        return (value >> 1) ^ -(value & 1)

    def take(self, size: int, what: str = "value") -> memoryview:
        """Read a number of bytes."""
        if not 0 <= size <= self.left:
            raise DecodeError(f"{what} of {size} bytes where {self.left} are left", self.at)
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> str:
        """Read a string."""
        size, start = self.long(), self.at
        try:
            return str(self.take(size, "text"), "utf-8")
        except UnicodeDecodeError as error:
            raise DecodeError("text that is not UTF-8", start + error.start) from None

    def block(self, shortest: int) -> tuple[int, int | None]:
        """Read the head of an array block: its items, 0 at the end of the array, and the position it says it ends at.

        `shortest` is the least number of bytes that an item takes.
        """
        start, count, end = self.at, self.long(), None
        if count < 0:
            count, size = -count, self.long()
            if not 0 <= size <= self.left:
                raise DecodeError(f"array block of {size} bytes where {self.left} are left", start)
            end = self.at + size
        if count * shortest > self.left:
            raise DecodeError(f"array block of {count} items where {self.left} bytes are left", start)
        return count, end

    def check_block_end(self, end: int | None) -> None:
        """Compare where an array block ends with where its head said it would."""
        if end not in (None, self.at):
            raise DecodeError(f"array block that should have ended at byte {end}", self.at)

    def value(self, kind: Any) -> Any:  # noqa: ANN401 - an Avro type in JSON, and whatever value it describes
        """Read a value of an Avro type, of those that headers are made of."""
        if kind == "long":
            return self.long()
        if kind == "int":
            return self._int()
        if kind == "string":
            return self.text()
        if isinstance(kind, dict) and kind["type"] == "array":
            return self._array(kind["items"])
        if isinstance(kind, dict) and kind["type"] == "record":
            return {field["name"]: self.value(field["type"]) for field in kind["fields"]}
        if kind == "bytes":
            return bytes(self.take(self.long()))
        if kind == "double":
            return struct.unpack("<d", self.take(8))[0]
        if kind == "boolean":
            return self.take(1)[0] != 0
        raise DecodeError(f"a header field of the type {kind} is not known here", self.at)

    def _int(self) -> int:
        start, value = self.at, self.long()
        if value not in INT:
            raise DecodeError(f"the number {value} is wider than 32 bits", start)
        return value

    def _array(self, items: Any) -> list[Any]:  # noqa: ANN401 - an Avro type in JSON
        values: list[Any] = []
        while True:
            count, end = self.block(1)
            if not count:
                return values
            values += [self.value(items) for _ in range(count)]
            self.check_block_end(end)
