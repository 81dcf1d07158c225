"""Fifty probes in small: some with clocks that are off, some that lose their link, some that are restarted."""

from pathlib import Path

from tests.simulation.__main__ import summary
from tests.simulation.plan import Plan
from tests.simulation.run import Simulation


def test_every_flow_of_fifty_probes_is_kept_once(kafka_bootstrap: str, tmp_path: Path) -> None:
    plan = Plan(probes=50, seconds=12, rate=3, partitions=3)
    assert [sum(plan.kind(number) == kind for number in range(50)) for kind in ("clock", "link", "restart")] == [
        3,
        3,
        3,
    ]
    report = Simulation(kafka_bootstrap, plan, tmp_path, speed=6).run()
    assert report.records > 1500
    assert len(report.expected.flows) > 700
    assert report.replays == 7
    assert report.found == report.expected
    assert report.kept == (len(report.expected.flows), report.expected.packets)
    assert report.holds
    assert summary(report)["everything there, once"] == "yes"
