"""The loop of the probe with a source, a clock and outputs of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import structlog
from structlog.testing import capture_logs

from clients.sensor.driver import Driver
from clients.sensor.outputs import Outputs, selected
from probes.flows.probe import ProbeSettings
from probes.settings import Settings
from tests.probes.observed import CLIENT, SECOND, SERVER, START, block
from tests.traffic.packets import tcp_frame, udp_frame
from topics import filter as filters
from topics.batch import END_OF_RUN, concatenate
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.capture.packets import PacketBlock
    from topics.batch import FlowBatch
    from topics.control import ControlBatch
    from topics.errors import InputError
    from topics.probe_status import ProbeStatus

FRAME = udp_frame(CLIENT, SERVER, 40000, 53, b"query")


@pytest.fixture(autouse=True)
def every_level_is_logged() -> None:
    structlog.reset_defaults()


class Wire:
    """A live source: blocks at times of the clock, and what it lost so far."""

    live = True

    def __init__(self, *script: tuple[float, list[tuple[float, bytes]], dict[str, int]]) -> None:
        self.script = script
        self.errors: list[InputError] = []
        self.lost: dict[str, int] = {}
        self.now = START
        self.stopped = False

    def open(self) -> None: ...

    def stop(self) -> None:
        self.stopped = True

    def counters(self) -> dict[str, int]:
        return self.lost

    def dropped_by_interface(self) -> dict[str, int]:
        return {}

    def __iter__(self) -> Iterator[PacketBlock]:
        for at, frames, lost in self.script:
            self.lost = lost
            self.now = START + round(at * SECOND)
            yield block(frames)


class Kept:
    """Outputs that keep everything."""

    def __init__(self) -> None:
        self.batches: list[FlowBatch] = []
        self.statuses: list[ProbeStatus] = []
        self.payloads: list[ControlBatch] = []
        self.troubles: list[str] = []

    def write(self, batch: FlowBatch) -> None:
        self.batches.append(batch)

    def notice(self, status: ProbeStatus) -> None:
        self.statuses.append(status)

    def control(self, batch: ControlBatch) -> None:
        self.payloads.append(batch)

    @property
    def trouble(self) -> str:
        return self.troubles.pop(0) if self.troubles else ""


def run(wire: Wire, kept: Kept | None = None, again: Any = None, **settings: Any) -> tuple[Kept, list[Any]]:
    told = Settings(**settings)
    kept = kept or Kept()
    flows = ProbeSettings(probe="edge", boot_id=5, status_interval=SECOND)
    driver = Driver(told, flows, wire, again or (lambda: told), lambda: wire.now)
    with capture_logs() as logs:
        driver.run(cast("Outputs", kept))
        if again:
            driver.reload(cast("Outputs", kept))
    return kept, [log for log in logs if log["log_level"] != "info"]


def test_records_that_are_due_leave_though_little_comes() -> None:
    frames = [(0.1, FRAME), (1.5, FRAME), (3.0, FRAME)]
    kept, _ = run(Wire((3.1, frames, {}), (3.2, [], {}), (4.3, [], {})))
    sizes = [len(batch) for batch in kept.batches]
    assert sizes[0] > 0
    assert [batch.watermark for batch in kept.batches if not len(batch)][-1] == END_OF_RUN
    assert START + 2 * SECOND in [batch.watermark for batch in kept.batches]
    assert sum(int(batch.records["src_packets"].sum()) for batch in kept.batches) == 3


def test_drops_are_told_when_they_grow_and_by_cause() -> None:
    losses = ({"kernel_dropped": 3, "filtered": 9}, {"kernel_dropped": 3, "filtered": 50}, {"kernel_dropped": 7})
    _, logs = run(Wire(*((60.0 * place, [], lost) for place, lost in enumerate(losses))), probe_status_interval=60)
    told = [log for log in logs if log["event"] == "packets were dropped"]
    assert [(log["more"], log["kernel_dropped"]) for log in told] == [(3, 3), (4, 7)]
    assert all("filtered" not in log for log in told)


def test_trouble_of_the_bus_is_told_once_and_so_is_its_end() -> None:
    kept = Kept()
    kept.troubles = ["broker away", "broker away", "", ""]
    _, logs = run(Wire(*((2.0 * place, [], {}) for place in range(5))), kept)
    assert [log["event"] for log in logs] == [
        "the bus takes no messages, they wait on disk",
        "the bus takes messages again",
    ]


def test_payloads_are_taken_only_when_asked_for() -> None:
    assert run(Wire((0.0, [(0.0, FRAME)], {})))[0].payloads == []
    (batch,) = run(Wire((0.0, [(0.0, FRAME)], {})), control=True)[0].payloads
    assert batch.payload(0) == b"query"


def test_other_protocols_are_followed_after_a_reload_and_what_waits_is_given_up() -> None:
    early = tcp_frame(CLIENT, SERVER, 40000, 53, sequence=50, payload=b"late")
    opened = tcp_frame(CLIENT, SERVER, 40000, 53, sequence=9, flags="S")
    source = Wire((0.0, [(0.0, opened), (0.0, early)], {}))
    told = Settings(control=True)
    driver = Driver(told, ProbeSettings(), source, lambda: Settings(control=True, control_protocols=("ntp",)))
    kept = Kept()
    for each in source:
        driver._take(each, cast("Outputs", kept))
    assert kept.payloads == []
    with capture_logs() as logs:
        driver.reload(cast("Outputs", kept))
    assert [batch.payload(0) for batch in kept.payloads] == [b"late"]
    assert driver.control is not None
    assert driver.control.protocols.kinds == ("ntp",)
    assert (logs[-1]["event"], logs[-1]["changed"]) == ("settings reloaded", "control_protocols")


def test_settings_that_cannot_be_read_change_nothing() -> None:
    def again() -> Settings:
        raise SettingsError("probe.yaml: key 'site' is wrong")

    _, logs = run(Wire((0.0, [], {})), again=again)
    assert logs[-1]["event"] == "settings not reloaded"
    assert logs[-1]["reason"] == "probe.yaml: key 'site' is wrong"


def test_a_filter_that_is_true_of_all_or_none_selects_all_or_none() -> None:
    kept, _ = run(Wire((0.0, [(0.0, FRAME), (0.1, FRAME)], {})))
    records = concatenate(batch for batch in kept.batches if len(batch))
    for text, count in (("not man", 1), ("man", 0), ("udp", 1), ("tcp", 0)):
        wanted = filters.compile(text)
        assert wanted is not None
        assert len(selected(records, wanted)) == count
