"""What is found about mirror ports: the messages of `argosy.spans.v1`, one record each."""

from __future__ import annotations

import dataclasses
import functools
import io
from dataclasses import dataclass
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from topics import single_object
from topics.errors import DecodeError
from topics.schema import schema_json

SPAN_FINDING = "span-finding.v1"
RAISED, CLEARED = "raised", "cleared"


@dataclass(frozen=True, slots=True)
class SpanFinding:
    """One finding; the fields are those of the schema, where each is explained."""

    site: str
    probe: str
    interface: str
    boot_id: int
    state: str
    since: int
    time: int
    vlan: int
    copy_vlan: int
    ttl_steps: int
    differences: int
    one_way: bool
    packets: int
    copies: int
    bytes: int
    lag_mean: int
    lag_max: int
    lags: list[int]
    diagnosis: str

    @property
    def share(self) -> float:
        """Copies to each packet of the VLAN."""
        return self.copies / self.packets if self.packets else 1.0


@functools.cache
def _schema(name: str = SPAN_FINDING) -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    return parse_schema(schema_json(name))


def load_schema() -> None:
    """Read from disk what encoding takes: a probe may give up its files before it finds something."""
    _schema()
    single_object.header(SPAN_FINDING)


def encode_span_finding(finding: SpanFinding) -> bytes:
    """Return the message that carries a finding."""
    out = io.BytesIO()
    schemaless_writer(out, _schema(), dataclasses.asdict(finding))
    return single_object.wrap(SPAN_FINDING, out.getvalue())


def read_span_finding(data: bytes) -> SpanFinding:
    """Return what a message of the spans topic says; raises DecodeError."""
    name, payload = single_object.unwrap(data)
    if name.partition("/")[0] != SPAN_FINDING:
        raise DecodeError(f"a {name}, not a finding about a mirror port,", 0)
    try:
        finding = schemaless_reader(io.BytesIO(payload), _schema(name), _schema())
    except (EOFError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise DecodeError(f"damaged finding ({error})", single_object.HEADER) from error
    return SpanFinding(**finding)  # type: ignore[arg-type]  # the schema is a record with exactly these fields
