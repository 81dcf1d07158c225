"""One alert: the messages of `argosy.alerts.v1`, one record each."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass, field
from zlib import crc32

from fastavro import schemaless_writer

from topics import single_object
from topics.definitions import MAX_MESSAGE_BYTES
from topics.errors import DecodeError
from topics.framing import avro_schema, read_record

ALERT = "alert.v1"
RAISED, REPEATED, RESOLVED = "raised", "repeated", "resolved"
SEVERITIES = ("info", "low", "medium", "high", "critical")
FlowId = bytes  # among the attributes `bytes` is a count


@dataclass(frozen=True, slots=True)
class Alert:
    """One message about an alert; the attributes are those of the schema, where each is explained.

    `subject` is a pair (field, value) for each field that the rule groups by.
    """

    id: str
    revision: int
    state: str
    rule: str
    severity: str
    subject: tuple[tuple[str, str], ...]
    summary: str
    time: int
    first: int
    last: int
    count: int
    packets: int = 0
    bytes: int = 0
    value: float = 0.0
    limit: float = 0.0
    flow_ids: tuple[FlowId, ...] = ()
    query: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """The subject in a line."""
        return " ".join(f"{name}={value}" for name, value in self.subject) or "everything"

    @property
    def plain(self) -> dict[str, object]:
        """The alert as JSON can hold it."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return values | {"subject": dict(self.subject), "flow_ids": [each.hex() for each in self.flow_ids]}

    @property
    def json_line(self) -> str:
        """The alert as a JSON object on a line of its own."""
        return json.dumps(self.plain, ensure_ascii=False) + "\n"


def encode_alert(alert: Alert) -> bytes:
    """Return the message that carries an alert."""
    values = {each.name: getattr(alert, each.name) for each in dataclasses.fields(alert)}
    values["subject"] = [{"field": name, "value": value} for name, value in alert.subject]
    out = io.BytesIO()
    schemaless_writer(out, avro_schema(ALERT), values)
    return single_object.wrap(ALERT, out.getvalue())


def decode_alert(data: bytes | memoryview) -> Alert:
    """Return the alert that a message carries; raises DecodeError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise DecodeError(f"an alert of {len(data)} bytes", 0)
    values = read_record(data, ALERT)
    subject = tuple((part["field"], part["value"]) for part in values["subject"])
    return Alert(**values | {"subject": subject, "flow_ids": tuple(values["flow_ids"])})


def alert_key(alert: Alert) -> bytes:
    """Return the key of a message: rule and subject."""
    return f"{alert.rule} {alert.about}".encode()


def alert_partition(alert: Alert, partitions: int) -> int:
    """Return the partition that holds all messages about a rule and subject, in order."""
    return crc32(alert_key(alert)) % partitions
