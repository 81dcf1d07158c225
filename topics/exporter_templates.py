"""Templates of exporters on the bus: what one collector has learned, others need not wait for."""

from __future__ import annotations

import io
from typing import NamedTuple

from fastavro import schemaless_writer

from topics import single_object
from topics.errors import DecodeError
from topics.framing import avro_schema, read_record

EXPORTER_TEMPLATE = "exporter-template.v1"
MOST_BYTES = 64 * 1024


class ExporterTemplate(NamedTuple):
    """One template; the schema exporter-template.v1 tells what each attribute is."""

    site: str
    collector: str
    exporter: bytes
    domain: int
    number: int
    scopes: int
    fields: tuple[int, ...]

    @property
    def key(self) -> bytes:
        """Key of its message."""
        return self.exporter + self.domain.to_bytes(4, "big") + self.number.to_bytes(2, "big")


def encode_template(template: ExporterTemplate) -> bytes:
    """Return the message that carries a template."""
    out = io.BytesIO()
    schemaless_writer(out, avro_schema(EXPORTER_TEMPLATE), template._asdict())
    return single_object.wrap(EXPORTER_TEMPLATE, out.getvalue())


def decode_template(data: bytes | memoryview) -> ExporterTemplate:
    """Return the template that a message carries; raises DecodeError."""
    if len(data) > MOST_BYTES:
        raise DecodeError(f"a template of {len(data)} bytes", 0)
    values = read_record(data, EXPORTER_TEMPLATE)
    found = ExporterTemplate(**values | {"fields": tuple(values["fields"])})
    parts_fit = all(0 <= part < 1 << 32 for part in found.fields) and len(found.fields) % 3 == 0
    if not parts_fit or not 0 <= found.domain < 1 << 32 or not 0 <= found.number < 1 << 16:
        raise DecodeError("a template that no exporter can have sent", 0)
    return found
