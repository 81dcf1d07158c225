"""One event: who asked what, when, how it went, and a body by kind."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

KINDS = ("generic", "vmstat", "netstat", "load", "disk", "wifi", "lsof", "snmp", "syslog", "ids")
BODIES = {kind: f"argosy.v1.{kind.capitalize()}" for kind in KINDS}
OK, FAILED, TIMEOUT, FLOODED, UNREADABLE = "ok", "failed", "timeout", "flooded", "unreadable"
MOST_OUTPUT = 512 * 1024  # of what a source said, as it is kept in a record
NONE, ZLIB = "none", "zlib"


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event; the attributes are those of the schema event-record.v1, where each is explained.

    `body` has the fields of the record that the schema calls as the kind, with a capital.
    """

    site: str
    probe: str
    boot_id: int
    sequence: int
    source: str
    kind: str
    started: int
    ended: int
    status: str = OK
    exit_status: int | None = None
    reason: str = ""
    errors: str = ""
    missed: int = 0
    part: int = 0
    size: int = 0
    compression: str = NONE
    output: bytes = b""
    body: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """Return the output as text, a replacement character for what is no UTF-8."""
        return self.plain_output.decode("utf-8", "replace")

    @property
    def plain_output(self) -> bytes:
        """Return the output as the source wrote it, empty where it is damaged."""
        if self.compression == NONE:
            return self.output
        try:
            return zlib.decompressobj().decompress(self.output, MOST_OUTPUT)
        except zlib.error:
            return b""


def with_output(event: EventRecord, output: bytes, *, compress: bool) -> EventRecord:
    """Return the event with the beginning of an output, compressed where that is asked for and makes it smaller."""
    kept = output[:MOST_OUTPUT]
    packed = zlib.compress(kept) if compress else kept
    if compress and len(packed) < len(kept):
        return replace(event, output=packed, compression=ZLIB)
    return replace(event, output=kept, compression=NONE)
