"""DNS transactions: what travels on `argosy.dns.v1`.

The codec has kernels and is imported when it is asked for: what only decodes payload does without Numba.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from topics.dns.batch import DNS_DTYPE, KINDS, RESOURCE_DTYPE, DnsBatch, Malformed, State, heap_values
from topics.dns.partitions import address_partition, split_dns

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
OF_CODEC = ("DNS_BATCH", "decode_dns", "encode_dns", "encode_dns_messages")


def __getattr__(name: str) -> Any:  # noqa: ANN401 - functions and a schema
    if name not in OF_CODEC:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.codec"), name)
