"""Which metrics and labels an expression of Prometheus names: as much of its grammar as dashboards and rules use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from topics.metrics.instrument import HISTOGRAM
from topics.metrics.table import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
SELECTOR = re.compile(r"\b(?P<name>(?:argosy|process)_\w+|up)\b(?!\s*\()(?:\{(?P<matchers>[^}]*)\})?")
MATCHER = re.compile(rf"({NAME})\s*(?:=~|!~|!=|=)\s*\"[^\"]*\"")
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\((?P<labels>[^)]*)\)\s*\(?")
SUFFIXES = ("_bucket", "_sum", "_count")
OF_TARGETS = frozenset({"job", "instance"})
DECLARED = {metric.name: metric for metric in METRICS}


class Wrong(NamedTuple):
    """What an expression names that there is not."""

    name: str
    label: str = ""


def labels_of(name: str) -> frozenset[str] | None:
    """The labels that series of a name have; None when no program has it."""
    if name == "up":
        return OF_TARGETS
    if name in DECLARED and DECLARED[name].kind != HISTOGRAM:
        return OF_TARGETS | {*DECLARED[name].labels}
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
    metric = DECLARED.get(name.removesuffix(suffix))
    if not suffix or metric is None or metric.kind != HISTOGRAM:
        return None
    return OF_TARGETS | {*metric.labels} | ({"le"} if suffix == "_bucket" else set())


def metrics_in(expression: str) -> list[str]:
    """The names of all series that an expression selects."""
    return [found["name"] for found in SELECTOR.finditer(without_groupings(expression))]


def without_groupings(expression: str) -> str:
    return re.sub(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", "", expression)


def wrong_in(expression: str) -> Iterator[Wrong]:
    """Yield the metrics that do not exist, and labels that those they are asked of do not have."""
    for found in SELECTOR.finditer(without_groupings(expression)):
        known = labels_of(found["name"])
        if known is None:
            yield Wrong(found["name"])
            continue
        for label in MATCHER.findall(found["matchers"] or ""):
            if label not in known:
                yield Wrong(found["name"], label)
    for found in GROUPING.finditer(expression):
        operand = _balanced(expression, found.end()) if found[0].endswith("(") else expression
        for name in metrics_in(operand):
            missing = {label.strip() for label in found["labels"].split(",")} - (labels_of(name) or set()) - {""}
            yield from (Wrong(name, label) for label in sorted(missing))


def _balanced(text: str, begin: int) -> str:
    """What is between a parenthesis that was just opened and the one that closes it."""
    depth = 1
    for place in range(begin, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return text[begin:place]
    return text[begin:]
