"""DNS transactions: what travels on `argosy.dns.v1`.

The codec has kernels and is imported when it is asked for: what only decodes payload does without Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.dns.batch import DNS_DTYPE, KINDS, RESOURCE_DTYPE, DnsBatch, Malformed, State, heap_values
from topics.dns.partitions import address_partition, split_dns
from topics.on_demand import on_demand

if TYPE_CHECKING:
    from topics.dns.codec import DNS_BATCH, decode_dns, encode_dns, encode_dns_messages

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
HOMES = dict.fromkeys(("DNS_BATCH", "decode_dns", "encode_dns", "encode_dns_messages"), "codec")
__getattr__ = on_demand(__name__, HOMES)
