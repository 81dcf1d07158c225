"""Filters that tell labels: the first rule that lets a flow through labels it, and with `cont` later ones may too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.labels.text import joined
from processors.merge.labels import united
from topics import filter as filters

if TYPE_CHECKING:
    from topics.batch import FlowBatch

_WORD = re.compile(r'\s*(?:(?P<name>\w+)\s*=\s*"(?P<text>[^"]*)"|(?P<word>\w+))')
WORDS = ("filter", "label", "color")


class Rules:
    """Rules in order; called with a batch, what they say of each flow."""

    def __init__(self) -> None:
        self._rules: list[tuple[Any, bytes, bool]] = []

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, line: str) -> None:
        """Add `filter="..." label="..." [cont]`; raises ValueError or FilterError for anything else."""
        facts, place, goes_on = dict[str, str](), 0, False
        while place < len(line.rstrip()):
            match = _WORD.match(line, place)
            if match is None or (match["word"] or "cont") != "cont" or (match["name"] or "filter") not in WORDS:
                raise ValueError(f'cannot read \'{line[place:].strip()[:60]}\'; write filter="..." label="..." [cont]')
            place, goes_on = match.end(), goes_on or match["word"] == "cont"
            if match["name"]:
                facts[match["name"]] = match["text"]
        if not facts.get("label"):
            raise ValueError('has no label="..."')
        condition = filters.condition(facts.get("filter", ""))
        mask = None if condition is None else filters.mask(condition)
        label = facts["label"] if "=" in facts["label"] else f"flow={facts['label']}"
        self._rules.append((mask, label.encode(), goes_on))

    def __call__(self, batch: FlowBatch) -> list[bytes]:
        """Return the labels that rules give to each flow."""
        texts = [b""] * len(batch)
        left = np.ones(len(batch), np.bool_)
        for mask, label, goes_on in self._rules:
            chosen = left if mask is None else left & mask(batch)
            for row in np.flatnonzero(chosen).tolist():
                texts[row] = united(joined((texts[row], label))) if texts[row] else label
            if not goes_on:
                left = left & ~chosen
        return texts
