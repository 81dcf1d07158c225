"""Within which limits observations are matched."""

from __future__ import annotations

from dataclasses import dataclass

from topics.errors import SettingsError

MOST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """All times in seconds. `tolerance`: by how much clocks, and so beginnings of a conversation, may differ.

    The others are of streams, in event time: how long flows `wait` for those of other points (flows are told when they
    have been idle for a minute), how far behind a point may be before nobody waits for it (`patience`), and how long
    what was judged is remembered (`memory`). With more than `most_flows` held, nobody waits.
    """

    tolerance: float = 5.0
    wait: float = 75.0
    patience: float = 300.0
    memory: float = 150.0
    most_flows: int = 1 << 19

    def __post_init__(self) -> None:
        """Raise SettingsError for a tolerance that is not positive or beyond all sense."""
        if not 0 < self.tolerance <= MOST_SECONDS:
            raise SettingsError(f"the tolerance of clocks is 0 to {MOST_SECONDS:.0f} seconds, not {self.tolerance}")
