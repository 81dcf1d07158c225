"""Interfaces that go away, come back, or are switched off while they are captured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.probes.live.capturing import FRAMES, arrived, frames_of, opened
from tests.waiting import wait_until

if TYPE_CHECKING:
    from probes.live.source import LiveSource
    from tests.probes.live.wire import Wire


def gone(wire: Wire, source: LiveSource) -> None:
    arrived(wire, source, FRAMES)
    wire.pull()


def test_an_interface_that_goes_away_gives_what_it_had(wire: Wire) -> None:
    source = opened(wire)
    gone(wire, source)
    assert wire.here.run(frames_of, source) == FRAMES
    assert [str(error) for error in source.errors] == ["far: interface went away"]


def test_other_interfaces_are_read_on_when_one_goes_away(wire: Wire) -> None:
    wire.here.ip("link", "add", "other", "type", "veth", "peer", "name", "behind")
    for name in ("other", "behind"):
        wire.here.ip("link", "set", name, "up")
    source = opened(wire, "far", "other")
    gone(wire, source)
    reading = wire.here.submit(frames_of, source)
    wait_until(lambda: bool(source.errors))
    assert not reading.done()
    source.stop()
    assert reading.result(60) == FRAMES


def test_a_patient_source_goes_on_when_the_interface_is_back(wire: Wire) -> None:
    source = opened(wire, patient=True)
    gone(wire, source)
    found: list[bytes] = []

    def read_on() -> None:
        for block in source:
            found.extend(frames_of([block]))

    reading = wire.here.submit(read_on)
    wait_until(lambda: len(found) == len(FRAMES))
    wire.plug()
    wait_until(lambda: len(source._rings["far"]) == 2)
    wire.send(FRAMES)
    wait_until(lambda: len(found) == 2 * len(FRAMES))
    source.stop()
    reading.result(60)
    assert found == [*FRAMES, *FRAMES]
    assert source.errors == []


def test_an_interface_that_is_switched_off_and_on_is_read_on(wire: Wire) -> None:
    source = opened(wire)
    found: list[bytes] = []

    def read_on() -> None:
        for block in source:
            found.extend(frames_of([block]))

    reading = wire.here.submit(read_on)
    arrived(wire, source, FRAMES)
    wire.here.ip("link", "set", "far", "down")
    wait_until(lambda: source._rotation.downs == 1)
    wire.here.ip("link", "set", "far", "up")
    arrived(wire, source, FRAMES, 2 * len(FRAMES))
    source.stop()
    reading.result(60)
    assert found == [*FRAMES, *FRAMES]
    assert source.errors == []


def test_an_interface_that_goes_away_while_it_is_switched_off(wire: Wire) -> None:
    source = opened(wire)
    reading = wire.here.submit(frames_of, source)
    arrived(wire, source, FRAMES)
    wire.here.ip("link", "set", "far", "down")
    wait_until(lambda: source._rotation.downs == 1)
    wire.pull()
    assert reading.result(60) == FRAMES
    assert [str(error) for error in source.errors] == ["far: interface went away"]
