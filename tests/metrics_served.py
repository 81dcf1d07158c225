"""What a program serves at its metrics port, held against what the code declares."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from topics.metrics.table import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

DECLARED = {metric.name: metric for metric in METRICS}
OF_HISTOGRAMS = frozenset({"le"})


def families(text: str) -> Iterator[Any]:
    """Every metric in a page, with its samples."""
    yield from text_string_to_metric_families(text)


def name_of(family: Any) -> str:
    return f"{family.name}_total" if family.type == "counter" else str(family.name)


def undeclared(text: str, program: str) -> set[str]:
    """What a page has that the code does not declare for the program: metrics, types, labels and texts."""
    found = set()
    for family in families(text):
        metric = DECLARED.get(name_of(family))
        if metric is None or program not in metric.programs or metric.kind != family.type:
            found.add(name_of(family))
            continue
        labels = {label for sample in family.samples for label in sample.labels} - OF_HISTOGRAMS
        found |= {f"{metric.name}: {label}" for label in labels - {*metric.labels}}
    return found


def declared(program: str) -> set[str]:
    """The metrics that a program is said to have."""
    return {metric.name for metric in METRICS if program in metric.programs}


def scraped(port: int, page: str = "metrics") -> str:
    """Return a page of a program that listens on loopback."""
    url = f"http://127.0.0.1:{port}/{page}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())
