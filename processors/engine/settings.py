"""What a worker has to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processors.merge import MergeSettings
from topics.bus import bootstrap

if TYPE_CHECKING:
    from processors.observers import ObserverSettings


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker reads, what it merges and labels by and how patient it is. All times in seconds.

    With `observers` the input are flows, whose observations are matched; nothing is merged.
    With a `names_topic` flows are named by it, and wait `name_lateness` for names; `labels` names a file of settings.
    """

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
    names_topic: str = ""
    name_lateness: float = 2.0
    labels: str = ""
    observers: ObserverSettings | None = None

    @property
    def bootstrap(self) -> str:
        """Brokers as Kafka clients take them."""
        return bootstrap(self.url)
