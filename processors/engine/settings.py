"""What a worker has to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processors.merge import MergeSettings
from topics.bus import bootstrap
from topics.bus.rights import NAMES_GROUP
from topics.definitions import CONTROL, SEEN_BATCHES

if TYPE_CHECKING:
    from processors.observers import ObserverSettings


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker reads, what it merges and labels by and how patient it is. All times in seconds.

    `seen_topic` remembers which batches came where there are too many runs for the offsets of the group.
    With `observers` the input are flows, whose observations are matched; nothing is merged.
    With a `names_topic` flows are named by it, once what `names_group` makes of `control_topic` is known until
    `name_lateness` after they began; `labels` names a file of settings.
    With an `events_topic` flows are attributed by its events, those of the last `event_memory` at the start, and wait
    `event_lateness` for them.
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
    seen_topic: str = SEEN_BATCHES.name
    names_topic: str = ""
    name_lateness: float = 2.0
    names_group: str = NAMES_GROUP
    control_topic: str = CONTROL.name
    labels: str = ""
    events_topic: str = ""
    event_lateness: float = 2.0
    event_memory: float = 3600.0
    observers: ObserverSettings | None = None

    @property
    def is_labelling(self) -> bool:
        """Whether flows get labels of any kind."""
        return bool(self.labels or self.names_topic or self.events_topic)

    @property
    def bootstrap(self) -> str:
        """Brokers as Kafka clients take them."""
        return bootstrap(self.url)
