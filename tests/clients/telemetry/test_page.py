from pathlib import Path

from clients.telemetry.page import page
from topics.metrics.table import METRICS

DOCUMENT = Path("docs/reference/metrics.md")


def test_the_page_says_what_the_code_says() -> None:
    assert DOCUMENT.read_text() == page(), "python -m clients.telemetry writes it anew"


def test_every_metric_has_one_row() -> None:
    rows = [line.split("`")[1] for line in page().splitlines() if line.startswith("| `") and line.count("|") == 6]
    assert sorted(rows) == sorted(metric.name for metric in METRICS)
