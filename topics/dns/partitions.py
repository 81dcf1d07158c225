"""Which partition a transaction belongs to: that of its client."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from topics.dns.batch import DnsBatch

SIZE = 16


def address_partition(address: bytes, count: int) -> int:
    """Return the partition, of `count`, of whatever is about an address (16 bytes)."""
    return crc32(address) % count


def split_dns(batch: DnsBatch, count: int) -> list[DnsBatch]:
    """Return a batch for each of `count` partitions that has transactions in it, their order kept; heaps are shared."""
    clients = batch.transactions["client"].tobytes()
    numbers = np.array(
        [address_partition(clients[at : at + SIZE], count) for at in range(0, len(clients), SIZE)], np.int64
    )
    parts = []
    for number in np.unique(numbers).tolist():
        places = np.where(numbers == number, np.cumsum(numbers == number) - 1, -1)
        of = places[batch.resources["transaction"]]
        resources = batch.resources[of >= 0].copy()
        resources["transaction"] = of[of >= 0]
        transactions = batch.transactions[numbers == number]
        parts.append(batch.replace(transactions=transactions, resources=resources, partition=number))
    return parts
