"""DNS transactions: what travels on `argosy.dns.v1`."""

from topics.dns.batch import DNS_DTYPE, KINDS, RESOURCE_DTYPE, DnsBatch, Malformed, State, heap_values
from topics.dns.codec import DNS_BATCH, decode_dns, encode_dns, encode_dns_messages
from topics.dns.partitions import address_partition, split_dns

__all__ = [
    "DNS_BATCH",
    "DNS_DTYPE",
    "KINDS",
    "RESOURCE_DTYPE",
    "DnsBatch",
    "Malformed",
    "State",
    "address_partition",
    "decode_dns",
    "encode_dns",
    "encode_dns_messages",
    "heap_values",
    "split_dns",
]
