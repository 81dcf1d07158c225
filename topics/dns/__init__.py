"""DNS transactions: what travels on `argosy.dns.v1`."""

from topics.dns.batch import DNS_DTYPE, KINDS, RESOURCE_DTYPE, DnsBatch, Malformed, State, heap_values
from topics.dns.codec import DNS_BATCH, decode_dns, encode_dns, encode_dns_messages

__all__ = [
    "DNS_BATCH",
    "DNS_DTYPE",
    "KINDS",
    "RESOURCE_DTYPE",
    "DnsBatch",
    "Malformed",
    "State",
    "decode_dns",
    "encode_dns",
    "encode_dns_messages",
    "heap_values",
]
