"""Where packets come from, as the rest of the probe sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from probes.capture.packets import PacketBlock
    from topics.errors import InputError


class PacketSource(Protocol):
    """Gives packets in the order of capture.

    One that is `live` gives an empty block at least every 250 ms when nothing comes, so that whoever drives it can look
    at the clock. What could not be read is kept in `errors`; iterating goes on with what can.
    """

    live: bool
    errors: list[InputError]

    def open(self) -> None:
        """Get hold of what needs rights or paths that may be gone later; raises InputError."""

    def __iter__(self) -> Iterator[PacketBlock]:
        """Yield blocks; the memory of each may be used again for the next."""

    def stop(self) -> None:
        """Let the iteration end soon; may be called by a signal handler, at any time."""

    def counters(self) -> Mapping[str, int]:
        """Return how many packets the source itself lost or left out so far, by cause; may be called by any thread."""

    def dropped_by_interface(self) -> Mapping[str, int]:
        """Return how many packets the operating system had no room for; likewise."""
