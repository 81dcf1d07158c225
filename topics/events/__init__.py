"""Events: what travels on `argosy.events.v1`, one record each."""

from topics.events.codec import EVENT_RECORD, decode_event, encode_event, encode_parts, partition_of
from topics.events.record import BODIES, KINDS, EventRecord, with_output

__all__ = [
    "BODIES",
    "EVENT_RECORD",
    "KINDS",
    "EventRecord",
    "decode_event",
    "encode_event",
    "encode_parts",
    "partition_of",
    "with_output",
]
