"""How FlowMerge cuts status records into flows."""

from __future__ import annotations

from dataclasses import dataclass, fields

from topics.errors import SettingsError


@dataclass(frozen=True, slots=True)
class MergeSettings:
    """Times in seconds of event time, and bounds of memory.

    A flow ends when nothing of it was seen for `idle_timeout` (TCP) or `other_idle_timeout`, though never less than two
    status intervals; `active_timeout` after its first packet; or `close_linger` after the last packet of a closed TCP
    connection. `maximum_flows` bounds the flows kept by one FlowMerge, about 0.9 KB each: when it is reached, the flow
    of the source at hand that began first is put out early and counted. `maximum_sources` bounds the probe runs that it
    follows at a time: the one it knows longest is completed when there are more.
    """

    idle_timeout: float = 60.0
    other_idle_timeout: float = 30.0
    active_timeout: float = 300.0
    close_linger: float = 10.0
    maximum_flows: int = 1 << 20
    maximum_sources: int = 1 << 12

    def __post_init__(self) -> None:
        """Raise SettingsError, naming the setting, for a value that is not positive or beyond all sense."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if not 0 < value < 1 << 31:
                raise SettingsError(f"merge setting {setting.name} must be positive, not {value}")
