"""What lists and databases say of addresses, names, ports and stations, as label texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.labels.text import value_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.batch import FlowBatch


class NoLists:
    """Knows nothing but the name that was asked for."""

    rules: Callable[[FlowBatch], list[bytes]] | None = None
    with_vendors = with_services = False

    def ends(self, _pair: bytes) -> bytes:
        """Return nothing."""
        return b""

    def stations(self, _macs: bytes) -> bytes:
        """Return nothing."""
        return b""

    def service(self, _code: int) -> bytes:
        """Return nothing."""
        return b""

    def name(self, name: str) -> bytes:
        """Return the name."""
        return b"dname=" + value_text(name).encode()
