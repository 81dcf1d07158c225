"""The JSON files of the dashboards, as they are kept."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.grafana.described import DASHBOARDS

DIRECTORY = Path(__file__).parent / "dashboards"


def files() -> dict[Path, str]:
    """Return the content of each file."""
    return {
        DIRECTORY / f"{each.name}.json": json.dumps(each.as_json(), indent=2, ensure_ascii=False) + "\n"
        for each in DASHBOARDS
    }
