"""Events of an argus as events of ours: `prog:` or `file:` and a path on the first line, then what was said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from probes.events.answer import FLOODED, OK, Answer
from probes.events.asking import understood
from probes.events.parsing.text import short
from probes.events.runner import kept
from probes.events.settings import kind_of
from topics.events import EventRecord, encode_parts, with_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.argus.event import ArgusEvent

ASKED = re.compile(rb"(prog|file)[:=]([^\n]*)\n?")  # argus 3.0.8 writes a colon
MOST_LABEL = 255
MOST_REASON = 500


class ArgusEvents:
    """Numbers the events of each argus, under the name that its records have; one without is called `probe`."""

    def __init__(self, site: str, probe: str, boot_id: int) -> None:
        self._site, self._probe, self._boot_id = site, probe, boot_id
        self._sequences: dict[str, int] = {}

    def messages(self, event: ArgusEvent) -> Iterator[bytes]:
        """Yield the messages of an event: several where its tables are long."""
        label, output = _parted(event.text)
        told = understood(
            kind_of(label.partition(":")[2]),
            Answer(output, status=FLOODED if event.is_cut else OK, size=len(output)),
        )
        probe = event.source or self._probe
        record = EventRecord(
            self._site, probe, self._boot_id, self._sequences.get(probe, 0), label, told.kind, event.time, event.time,
            status=told.answer.status, reason=short(told.answer.reason, MOST_REASON), size=told.answer.size,
            body=told.body,
        )  # fmt: skip
        for part, message in encode_parts(with_output(record, kept(told.kind, told.answer, told.body), compress=True)):
            self._sequences[probe] = part.sequence + 1
            yield message


def _parted(text: bytes) -> tuple[str, bytes]:
    """Return what was asked as our sources are labelled, without arguments, and the rest of a text."""
    found = ASKED.match(text)
    if found is None:
        return "argus", text
    words = found[2].decode("utf-8", "replace").split()
    return f"{found[1].decode()}:{words[0] if words else ''}"[:MOST_LABEL], text[found.end() :]
