"""Within which limits observations are matched."""

from __future__ import annotations

from dataclasses import dataclass

from topics.errors import SettingsError

MOST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """`tolerance`: by how many seconds clocks may be apart, and beginnings of what is the same conversation."""

    tolerance: float = 5.0

    def __post_init__(self) -> None:
        """Raise SettingsError for a tolerance that is not positive or beyond all sense."""
        if not 0 < self.tolerance <= MOST_SECONDS:
            raise SettingsError(f"the tolerance of clocks is 0 to {MOST_SECONDS:.0f} seconds, not {self.tolerance}")
