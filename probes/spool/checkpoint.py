"""What the spool remembers beside its segments, in a file that changes as a whole."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probes.spool.files import Files

NAME = "checkpoint"
NEW = "checkpoint.new"
MOST_BYTES = 16 * 1024 * 1024


def load(files: Files) -> dict[str, Any]:
    """Return what was saved; nothing when there is none, or it is damaged."""
    if NAME not in files.names():
        return {}
    try:
        checksum, _, text = files.read(NAME, 0, MOST_BYTES).partition(b"\n")
        if int(checksum, 16) == zlib.crc32(text):
            parsed = json.loads(text)
            return parsed if isinstance(parsed, dict) else {}
    except (OSError, ValueError):
        pass
    return {}


def save(files: Files, content: dict[str, Any]) -> None:
    """Put it on disk for certain; raises OSError, and then what was saved before stands."""
    text = json.dumps(content, sort_keys=True).encode()
    files.create(NEW)
    files.append(NEW, f"{zlib.crc32(text):08x}\n".encode() + text)
    files.sync(NEW)
    files.rename(NEW, NAME)
    files.sync_names()
