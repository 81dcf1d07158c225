"""What a probe tells about the mirror ports it listens at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from clients.sensor.metrics import mirrored
from clients.sensor.mirroring import Mirroring
from tests.processors.spans.test_watch import END, batch
from topics.errors import BusError
from topics.spans import read_span_finding

if TYPE_CHECKING:
    from topics.batch import FlowBatch


class Posts:
    """A bus that keeps what is posted; `missing` topics are not there."""

    trouble = ""

    def __init__(self, missing: int = 0) -> None:
        self.posts: list[tuple[str, bytes, int, bool]] = []
        self.missing = missing

    def publish(self, batch: FlowBatch) -> None:
        raise AssertionError

    def post(self, topic: str, value: bytes, partition: int, *, important: bool) -> None:
        self.posts.append((topic, value, partition, important))

    def partitions(self, topic: str) -> int:
        if self.missing:
            self.missing -= 1
            raise BusError(f"no topic {topic}")
        return 1

    def counts(self) -> dict[str, int]:
        return {}


def test_findings_are_logged_and_published_once() -> None:
    mirroring, bus = Mirroring("spans"), Posts()
    with capture_logs() as lines:
        for each in [*(batch(second, 200, 200) for second in range(0, 60, 5)), END]:
            mirroring.look_at(each, [bus])
    (post,) = bus.posts
    assert (post[0], post[2], post[3]) == ("spans", 0, True)
    finding = read_span_finding(post[1])
    assert (finding.state, finding.vlan, finding.copies) == ("raised", 12, 1600)
    assert [(line["log_level"], line["diagnosis"]) for line in lines] == [("warning", finding.diagnosis)]


def test_a_finding_that_cannot_be_published_is_logged_all_the_same() -> None:
    mirroring, bus = Mirroring("spans"), Posts(missing=1)
    with capture_logs() as lines:
        for each in (batch(1, 200, 200), END):
            mirroring.look_at(each, [bus])
    assert bus.posts == []
    assert [line["event"] for line in lines][1] == "a finding is not published"
    assert lines[1]["reason"] == "no topic spans"


def test_metrics_show_a_fault_as_long_as_it_lasts() -> None:
    mirroring = Mirroring("spans")
    labels = ("eth1", "12", "12", "1", "1")

    def measured() -> list[Any]:
        return [values for _, values in mirrored(mirroring.raised.values())]

    assert measured() == [0.0, {}, {}]
    for second in range(0, 60, 5):
        mirroring.look_at(batch(second, 200, 200), [])
    assert measured() == [1.0, {labels: 1.0}, {labels: pytest.approx(40e-6)}]
    mirroring.look_at(END, [])
    assert measured() == [0.0, {}, {}]
