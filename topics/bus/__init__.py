"""The bus: flow batches to and from Kafka."""

from topics.bus.address import bootstrap
from topics.bus.administration import create_topics, partition_count
from topics.bus.messages import decode_message, encode_message
from topics.bus.publisher import Publisher
from topics.bus.subscriber import Received, Subscriber

__all__ = [
    "Publisher",
    "Received",
    "Subscriber",
    "bootstrap",
    "create_topics",
    "decode_message",
    "encode_message",
    "partition_count",
]
