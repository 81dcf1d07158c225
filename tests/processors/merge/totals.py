"""What has to stay the same when records are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.batch import FlowBatch

SIDED = ("packets", "bytes", "app_bytes", "fragments", "gap_bytes", "idle_interval_sum")


def totals(batches: Iterable[FlowBatch]) -> dict[str, int]:
    """Sums of counters over all records; of both sides together, since a record may be turned round."""
    fields = {name: (f"src_{name}", f"dst_{name}") for name in SIDED} | {"records": ("records",)}
    whole = [batch.records for batch in batches]
    return {
        name: sum(int(value) for records in whole for field in both for value in records[field]) % 2**64
        for name, both in fields.items()
    }
