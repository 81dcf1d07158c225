"""Settings to the source of packets they ask for."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from topics.errors import UsageError

if TYPE_CHECKING:
    from probes.captures import CaptureSource
    from probes.live.settings import LiveSettings
    from probes.live.source import LiveSource
    from probes.settings import Settings
    from probes.source import PacketSource


def open_source(settings: Settings) -> PacketSource:
    """Return the source; raises UsageError when none is named, or two kinds of them."""
    if settings.files and settings.interfaces:
        raise UsageError("say what to read: capture files (-r) or interfaces (-i), not both")
    if settings.files:
        return _files(settings)
    if settings.interfaces:
        return _interfaces(settings)
    raise UsageError("say what to read: -r FILE or -i INTERFACE")


def _files(settings: Settings) -> CaptureSource:
    from probes.capture.packet_range import PacketRange
    from probes.capture.replay import Replay
    from probes.captures import CaptureSource

    if settings.repeat and settings.follow:
        raise UsageError("option --repeat: a file that is followed (-f) has no end to begin again at")
    live = settings.follow or settings.repeat or settings.time_scale is not None
    source = CaptureSource(
        settings.files, follow=settings.follow, live=live, repeat=settings.repeat, lends=not (live or settings.control)
    )
    if settings.packet_filter:
        from probes.packet_filter.packet_filter import PacketFilter

        source.packet_filter = PacketFilter(settings.packet_filter, optimize=settings.filter_optimizer)
    if settings.packets:
        source.packet_range = PacketRange(settings.packets)
    if settings.repeat:
        source.replay = Replay(settings.time_scale or 1.0, wall=time.time_ns)
    elif settings.time_scale is not None:
        source.replay = Replay(settings.time_scale)
    return source


def _interfaces(settings: Settings) -> LiveSource:
    from probes.capture.packet_range import PacketRange
    from probes.live.source import LiveSource

    for key, option in (("follow", "-f"), ("time_scale", "-T"), ("repeat", "--repeat")):
        if getattr(settings, key):
            raise UsageError(f"option {option} is for capture files (-r), not for interfaces (-i)")
    source = LiveSource(live_settings(settings), PacketRange(settings.packets) if settings.packets else None)
    load_kernels()
    return source


def load_kernels() -> None:
    """Load what would otherwise be loaded when the first packets have come, while more of them fill the ring."""
    import numpy as np

    from probes.capture.packets import PACKET_DTYPE, PacketBlock
    from probes.flows.probe import FlowProbe
    from probes.live.walk import warm_up

    warm_up()
    probe = FlowProbe()
    nothing = PacketBlock(np.zeros(1, np.uint8), np.zeros(0, PACKET_DTYPE))
    for _ in itertools.chain(probe.observe(nothing), probe.advance(1)):
        pass


def live_settings(settings: Settings) -> LiveSettings:
    """Return how interfaces are to be captured."""
    from probes.live.settings import HEADERS, WHOLE, LiveSettings

    return LiveSettings(
        tuple(settings.interface_names),
        promiscuous=settings.promiscuous,
        snaplen=settings.snaplen or (WHOLE if settings.control else HEADERS + settings.payload_bytes),
        expression=settings.packet_filter,
        optimize=settings.filter_optimizer,
        ring_bytes=settings.ring_bytes,
        hardware_times=settings.timestamps == "adapter",
        group=settings.fanout_group,
        patient=settings.daemon,
    )
