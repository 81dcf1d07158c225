"""Which offsets of the bus files hold, and which files of a run there are: what shows that something is missing."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Spans = list[list[int]]


def united(spans: Iterable[Sequence[int]]) -> Spans:
    """Return closed spans of integers in order, those that touch or overlap joined."""
    found: Spans = []
    for first, last in sorted((int(first), int(last)) for first, last in spans):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found


def offset_spans(facts: dict[str, Any]) -> dict[str, Spans]:
    """Return the offsets that a file holds records of, by source."""
    own = {source: [list(span)] for source, span in facts.get("offsets", {}).items()}
    return own | {source: [list(span) for span in spans] for source, spans in facts.get("spans", {}).items()}


def number_spans(facts: dict[str, Any]) -> dict[str, Spans]:
    """Return the numbers of files of each run of a sink that a file stands for."""
    return {run: [list(span) for span in spans] for run, spans in facts.get("runs", {}).items()}


def merged_facts(several: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what a file that was made of others says of the offsets and runs they stood for."""
    return {
        "spans": _union(offset_spans(facts) for facts in several),
        "runs": _union(number_spans(facts) for facts in several),
        "files": sum(int(facts.get("files", 1)) for facts in several),
    }


def gaps(spans: Spans) -> Spans:
    """Return what lies between spans."""
    return [[before[1] + 1, after[0] - 1] for before, after in itertools.pairwise(spans)]


def _union(several: Iterable[dict[str, Spans]]) -> dict[str, Spans]:
    found: dict[str, Spans] = {}
    for spans in several:
        for name, more in spans.items():
            found.setdefault(name, []).extend(more)
    return {name: united(spans) for name, spans in found.items()}


def all_offsets(several: Iterable[dict[str, Any]]) -> dict[str, Spans]:
    """Return the offsets that files hold together, by source."""
    return _union(offset_spans(facts) for facts in several)


def all_numbers(several: Iterable[dict[str, Any]]) -> dict[str, Spans]:
    """Return the numbers of the files there are, by run."""
    return _union(number_spans(facts) for facts in several)
