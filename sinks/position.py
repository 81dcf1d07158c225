"""Where on the bus records came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """Where on the bus a batch came from: `source` names cluster, topic and partition, `offset` the message."""

    source: str
    offset: int
