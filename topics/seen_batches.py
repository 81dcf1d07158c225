"""What a worker has had of the runs of probes in a partition: the message that tells its successor."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass

from fastavro import schemaless_writer

from topics import single_object
from topics.framing import avro_schema, read_record

SEEN_BATCHES = "seen-batches.v1"


@dataclass(frozen=True, slots=True)
class SeenBatches:
    """One message; the attributes are those of the schema, where each is explained."""

    group: str
    topic: str
    partition: int
    offset: int
    runs: bytes

    @property
    def key(self) -> bytes:
        """What later messages about the same have, too."""
        return seen_key(self.group, self.topic, self.partition)


def seen_key(group: str, topic: str, partition: int) -> bytes:
    """Return the key of what a group has had of a partition of a topic."""
    return f"{group}/{topic}/{partition}".encode()


def encode_seen(seen: SeenBatches) -> bytes:
    """Return the message."""
    out = io.BytesIO()
    schemaless_writer(out, avro_schema(SEEN_BATCHES), dataclasses.asdict(seen))
    return single_object.wrap(SEEN_BATCHES, out.getvalue())


def decode_seen(data: bytes | memoryview) -> SeenBatches:
    """Return what a message says; raises DecodeError."""
    return SeenBatches(**read_record(data, SEEN_BATCHES))
