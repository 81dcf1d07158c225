"""What the chart asks for is what the recorded costs give."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from deploy import resources
from tests.deploy.test_capacity import COSTS


def test_the_values_of_the_chart_agree_with_the_capacity_table() -> None:
    values: dict[str, Any] = yaml.safe_load(resources.VALUES.read_text())
    for role, share in resources.wanted().items():
        found = (values.get(role) or values["sinks"][role])["resources"]
        expected = {"requests": yaml.safe_load(share.requests), "limits": yaml.safe_load(share.limits)}
        assert found == expected, f"{role}: python -m deploy.resources --write"
        least = values.get(role, {}).get("replicas", {}).get("least", 1)
        assert resources.REPLICAS.get(role, 1) == least


def test_shares_follow_from_costs() -> None:
    shares = resources.shares(COSTS, 30_000)
    assert shares["worker"] == resources.Share(500, 1792, 2000, 5376)  # 60,000 records of 10 us for two, 60 % busy
    assert shares["probe"].cpu == 600  # 300,000 of a million packets, 60,000 records of 1 us
    assert shares["alerts"].cpu == 3350
    assert shares["alerts"].most_cpu == 7000


def test_values_are_changed_where_they_stand_and_nowhere_else() -> None:
    text = resources.VALUES.read_text()
    half = resources.shares(COSTS, 2_000)
    changed = resources.put(text, half)
    assert resources.put(changed, resources.wanted()) == text
    assert len([1 for old, new in zip(text.splitlines(), changed.splitlines(), strict=True) if old != new]) <= 10
    with pytest.raises(ValueError, match="no resources of worker"):
        resources.put("probe:\n", {"worker": half["worker"]})
