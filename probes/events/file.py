"""Reading a file as it is now: one of /proc, or any other; never waiting for a pipe that nobody writes."""

from __future__ import annotations

import os

from probes.events.answer import FAILED, FLOODED, Answer

PIECE = 256 * 1024


def read_file(path: str, most: int) -> Answer:
    """Return what a file holds, at most `most` bytes of it."""
    data = bytearray()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            while len(data) <= most and (piece := os.read(descriptor, PIECE)):
                data += piece
        finally:
            os.close(descriptor)
    except OSError as error:
        return Answer(bytes(data[:most]), status=FAILED, reason=f"{path}: {error.strerror}", size=len(data))
    if len(data) > most:
        return Answer(
            bytes(data[:most]), status=FLOODED, reason=f"{path}: holds more than {most} bytes", size=len(data)
        )
    return Answer(bytes(data), size=len(data))
