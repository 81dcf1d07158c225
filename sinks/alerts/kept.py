"""Alerts in files: Avro object containers, beside the flows that they are about."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fastavro import parse_schema, schemaless_reader

from sinks.formats.container import ContainerWriter, read_blocks
from sinks.formats.destination import writing_to
from topics import single_object
from topics.alerts import ALERT, decode_alert, encode_alert
from topics.errors import DecodeError, InputError
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from topics.alerts import Alert

SUFFIX = ".alerts"
PATTERN = "%Y-%m-%d/alerts.%H.%M.%S"
SECOND = 1_000_000_000


def keep_alerts(directory: str | Path, alerts: Sequence[Alert]) -> Path | None:
    """Keep alerts in a file that is named after the first; return it, None without any. Raises OutputError."""
    if not alerts:
        return None
    path = Path(directory) / (datetime.fromtimestamp(alerts[0].time // SECOND, UTC).strftime(PATTERN) + SUFFIX)
    with writing_to(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
    with ContainerWriter(str(path), ALERT) as writer:
        writer.put([encode_alert(alert) for alert in alerts])
    return path


def read_alerts(path: str) -> Iterator[Alert]:
    """Yield the alerts of a file; raises InputError naming it when it is something else or damaged."""
    schema = parse_schema(schema_json(ALERT))
    for count, value, _ in read_blocks(path, (ALERT,), "alerts"):
        source = io.BytesIO(value)
        for _ in range(count):
            start = source.tell()
            try:
                schemaless_reader(source, schema, None)
                yield decode_alert(single_object.wrap(ALERT, value[start : source.tell()]))
            except (DecodeError, EOFError, ValueError, IndexError, StopIteration) as error:
                raise InputError(f"{path}: no Avro file of alerts, or a damaged one") from error
