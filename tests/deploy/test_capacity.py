"""The page about capacity is what the script makes of the recorded costs, and its figures follow from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy import capacity, costs, performance

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "capacity.md"
COSTS: Mapping[str, float] = {
    "probe": 1e6,
    "records_a_flow": 2,
    "publisher": 1,
    "broker": 2,
    "worker": 10,
    "files": 5,
    "database": 5,
    "worker_memory": 500,
    "alerts": 30_000,
    "postgresql": 40_000,
    "message": 100,
    "archive": 100,
    "packets_a_flow": 10,
    "flow_bytes": 1000,
}


def test_the_page_is_what_the_recorded_costs_give() -> None:
    inputs = json.loads(costs.INPUTS.read_text())
    assert inputs["costs"].keys() == costs.MEASURED.keys()
    assert PAGE.read_text() == capacity.page(inputs)


def test_measured_rows_of_the_page_about_performance_are_those_of_the_recorded_costs() -> None:
    inputs, text = json.loads(costs.INPUTS.read_text()), performance.PAGE.read_text()
    assert [name for _, name, _ in performance.BLOCK.findall(text)] == list(performance.BLOCKS)
    assert text == performance.page(text, inputs)
    other = dict(inputs) | {"costs": inputs["costs"] | {"files": 77.0}}
    assert "| sink of files | 7.70 | 77 us a flow |" in performance.page(text, other)


def test_needs_follow_from_costs() -> None:
    need = capacity.need(COSTS, 100_000)
    assert need.worker_cores == pytest.approx(2.0)  # 200,000 records of 10 us
    assert need.workers == 4  # none busier than 60 %
    assert need.partitions == 8
    assert need.probe_cores == pytest.approx(1.0 + 0.2)
    assert need.evaluators == 12
    assert need.databases == 5
    assert need.into_brokers == pytest.approx(300_000 * 100 * 8 * 3 / 1e6)
    assert need.bus_disk == pytest.approx((200_000 * 3 + 100_000 * 7) * 100 * 86_400 * 3 / 1e12)


def test_ten_times_the_flows_take_no_less_than_ten_times_as_much() -> None:
    small, large = capacity.need(COSTS, 100_000), capacity.need(COSTS, 1_000_000)
    assert large.worker_cores == pytest.approx(10 * small.worker_cores)
    assert large.partitions >= 2 * large.workers


def test_what_is_full_first_comes_first() -> None:
    full = capacity.limits(COSTS)
    assert full[0] == ("one evaluator with the whole starter set", 15_000)
    assert [flows for _, flows in full] == sorted(flows for _, flows in full)


def test_costs_are_taken_from_a_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "capacity.json"
    kept.write_text(json.dumps({"date": "2026-01-01", "machine": "x", "costs": dict.fromkeys(costs.MEASURED, 1.0)}))
    monkeypatch.setattr(capacity, "INPUTS", kept)
    found = tmp_path / "bench.json"
    bench = {
        "stages, worker": {"value": 7.12345, "unit": "us CPU/record", "date": "2026-02-03"},
        "PostgreSQL, in": {"value": 41_000.0, "unit": "records/s", "peer": None, "date": "2026-03-04"},
    }
    found.write_text(json.dumps(bench))
    assert capacity.main(["--take", str(found), "--write", str(tmp_path / "page.md")]) == 0
    taken = json.loads(kept.read_text())
    assert taken["costs"]["worker"] == 7.123
    assert taken["costs"]["files"] == 1.0
    assert taken["costs"]["postgresql"] == 41_000
    assert taken["figures"] == {"PostgreSQL, in": {"value": 41_000.0, "peer": None}}
    assert taken["date"] == "2026-02-03"  # of the oldest
    assert "so as before: probe, marginal, stages, records a flow" in capsys.readouterr().err
    assert "| us of CPU a status record, worker | 7.1 |" in (tmp_path / "page.md").read_text()
