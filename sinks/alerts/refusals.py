"""What goes wrong on the way to people."""

from __future__ import annotations

from topics.errors import ArgosyError


class NotDeliveredError(ArgosyError):
    """A message that a channel did not take: for now, or for good where it does not pass; to try again after `wait`."""

    def __init__(self, reason: str, *, passes: bool = True, wait: float = 0.0) -> None:
        super().__init__(" ".join(reason.split())[:300])
        self.passes, self.wait = passes, wait
