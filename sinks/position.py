"""Where on the bus records came from, and when they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from topics.batch import Records

Times = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where on the bus a batch came from: `source` names cluster, topic and partition, `offset` the message."""

    source: str
    offset: int


def start_times(records: Records) -> Times:
    """Return when each flow began: its first packet of either direction, ns, shape (n,)."""
    source, destination = records["src_first"], records["dst_first"]
    both = (source > 0) & (destination > 0)
    first: Times = np.where(both, np.minimum(source, destination), np.maximum(source, destination))
    return first


def last_times(records: Records) -> Times:
    """Return the time of each flow's last packet, ns, shape (n,)."""
    last: Times = np.maximum(records["src_last"], records["dst_last"])
    return last
