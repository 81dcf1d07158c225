"""Events for people's questions: files of events, directories of them, and alerts as a detection system writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from topics.events import EventRecord

MAKER = "`argosy events -w DIR`"
ALERTS = (".json", ".jsonl")
PIECE = 4 << 20  # bytes of alerts in an event, and the most of a line


def events_of(names: Iterable[str]) -> Iterator[EventRecord]:
    """Yield the events of files and of all files in directories; lines of Suricata's EVE or Snort's alert_json as such.

    Raises InputError.
    """
    from clients.reading.control_plane import under
    from sinks.formats.events import SUFFIX, read_events

    for name in under(names, SUFFIX, MAKER):
        yield from _alerts(name) if name.endswith(ALERTS) else read_events(name)


def _alerts(path: str) -> Iterator[EventRecord]:
    from probes.events.parsing import parser
    from probes.events.parsing.text import UnreadableError
    from topics.events import EventRecord

    trouble, number = None, 0
    try:
        with Path(path).open("rb") as file:
            for lines in _lines(file):
                try:
                    body = parser("ids")(lines.decode("utf-8", "replace"))
                except UnreadableError as error:
                    trouble = error
                    continue
                times = [alert["time"] for alert in body["alerts"]] or [0]
                yield EventRecord("", "", 0, number, f"file:{path}", "ids", min(times), max(times), body=body)
                number += 1
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if trouble and not number:
        raise InputError(f"{path}: {trouble}")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield whole lines, many at a time; of one that is too long, pieces."""
    rest = b""
    while piece := file.read(PIECE):
        data = rest + piece
        end = data.rfind(b"\n") + 1 or (len(data) if len(data) > PIECE else 0)
        if end:
            yield data[:end]
        rest = data[end:]
    if rest.strip():
        yield rest
