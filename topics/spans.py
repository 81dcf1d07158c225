"""What is found about mirror ports: the messages of `argosy.spans.v1`, one record each."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass

from fastavro import schemaless_writer

from topics import single_object
from topics.framing import avro_schema, read_record

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


def load_schema() -> None:
    """Read from disk what encoding takes: a probe may give up its files before it finds something."""
    avro_schema(SPAN_FINDING)
    single_object.header(SPAN_FINDING)


def encode_span_finding(finding: SpanFinding) -> bytes:
    """Return the message that carries a finding."""
    out = io.BytesIO()
    schemaless_writer(out, avro_schema(SPAN_FINDING), dataclasses.asdict(finding))
    return single_object.wrap(SPAN_FINDING, out.getvalue())


def read_span_finding(data: bytes) -> SpanFinding:
    """Return what a message of the spans topic says; raises DecodeError."""
    return SpanFinding(**read_record(data, SPAN_FINDING))
