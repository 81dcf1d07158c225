"""Opening sources on the wire of a test, sending frames, and what of them was captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from probes.live.settings import LiveSettings
from probes.live.source import LiveSource
from tests.traffic.packets import udp_frame
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from probes.capture.packets import PacketBlock
    from tests.probes.live.wire import Wire

MEBIBYTE = 1 << 20
FRAMES = [udp_frame("10.0.0.1", "10.0.0.2", 1000 + number, 53, bytes(20 + number)) for number in range(50)]


def opened(wire: Wire, *names: str, **settings: Any) -> LiveSource:
    source = LiveSource(LiveSettings(names or ("far",), ring_bytes=4 * MEBIBYTE, **settings))
    wire.here.run(source.open)
    return source


def frames_of(blocks: Iterable[PacketBlock]) -> list[bytes]:
    """Copies of the frames: their memory is used again for the next block."""
    found = []
    for block in blocks:
        places = zip(block.packets["offset"].tolist(), block.packets["captured"].tolist(), strict=True)
        found += [block.data[start : start + length].tobytes() for start, length in places]
    return found


def received(source: LiveSource) -> int:
    return sum(each.received for each in source.counters_by_interface().values())


def arrived(wire: Wire, source: LiveSource, frames: Sequence[bytes], count: int | None = None) -> None:
    """Send frames and wait until the kernel has as many as are to come through."""
    wire.send(frames)
    wait_until(lambda: received(source) >= (len(frames) if count is None else count))


def captured(wire: Wire, source: LiveSource, frames: Sequence[bytes], count: int | None = None) -> list[bytes]:
    arrived(wire, source, frames, count)
    source.stop()
    return wire.here.run(frames_of, source)
