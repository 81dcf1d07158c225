"""What a probe says about itself: the messages of `argosy.probes.v1`, one record each."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass, field
from zlib import crc32

from fastavro import schemaless_writer

from topics import single_object
from topics.framing import avro_schema, read_record

PROBE_STATUS = "probe-status.v1"
START, STATUS, STOP = "start", "status", "stop"


@dataclass(frozen=True, slots=True)
class InterfaceStatus:
    """One interface of a probe; the fields are those of the schema, where each is explained."""

    interface: str
    probe: str
    boot_id: int
    link_types: list[str]
    first: int
    last: int
    packets: int
    bytes: int
    records: int
    record_packets: int
    active_flows: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """The state of a probe; the fields are those of the schema, where each is explained."""

    site: str
    probe: str
    boot_id: int
    runs: int
    sequence: int
    cause: str
    time: int
    started: int
    live: bool
    version: str
    configuration: str
    status_interval: int
    probe_status_interval: int
    packets: int
    bytes: int
    flows: int
    records: int
    record_packets: int
    active_flows: int
    max_flows: int
    evicted: int
    dropped: dict[str, int] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    output: dict[str, int] = field(default_factory=dict)
    control: dict[str, int] = field(default_factory=dict)
    clock_offset: int | None = None
    interfaces: list[InterfaceStatus] = field(default_factory=list)
    exporter: dict[str, int] = field(default_factory=dict)

    @property
    def json_line(self) -> str:
        """Return the record as a JSON object on a line of its own."""
        return json.dumps(dataclasses.asdict(self)) + "\n"


def encode_probe_status(status: ProbeStatus) -> bytes:
    """Return the message that carries a status."""
    out = io.BytesIO()
    schemaless_writer(out, avro_schema(PROBE_STATUS), dataclasses.asdict(status))
    return single_object.wrap(PROBE_STATUS, out.getvalue())


def read_probe_status(data: bytes) -> ProbeStatus:
    """Return what a message of the probes topic says; raises DecodeError."""
    values = read_record(data, PROBE_STATUS)
    return ProbeStatus(**values | {"interfaces": [InterfaceStatus(**each) for each in values["interfaces"]]})


def partition_of(site: str, probe: str, partitions: int) -> int:
    """Return the partition that holds all that a probe says about itself."""
    return crc32(f"{site}\0{probe}".encode()) % partitions
