"""What a worker has to know."""

from __future__ import annotations

from dataclasses import dataclass, field

from processors.merge import MergeSettings
from topics.bus import bootstrap


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker reads, what it merges by and how patient it is. All times in seconds."""

    url: str
    group: str
    input_topic: str
    output_topic: str
    dead_letters_topic: str
    merge: MergeSettings = field(default_factory=MergeSettings)
    session_timeout: float = 6.0
    connect_timeout: float = 10.0
    broker_timeout: float = 60.0
    commit_interval: float = 1.0

    @property
    def bootstrap(self) -> str:
        """Brokers as Kafka clients take them."""
        return bootstrap(self.url)
