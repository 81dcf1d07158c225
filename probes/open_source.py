"""Settings to the source of packets they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.errors import UsageError

if TYPE_CHECKING:
    from probes.settings import Settings
    from probes.source import PacketSource


def open_source(settings: Settings) -> PacketSource:
    """Return the source; raises UsageError when none is named, or two kinds of them."""
    if settings.packet_filter:
        raise UsageError(f"no packet filter is known yet: '{settings.packet_filter}'")
    if not settings.files:
        raise UsageError("say what to read: -r FILE")
    from probes.captures import CaptureSource

    return CaptureSource(settings.files)
