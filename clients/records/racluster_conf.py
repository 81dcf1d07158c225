"""racluster.conf: which records are merged by which key, the first line whose filter lets them through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import FlowBatch, concatenate
from topics.errors import FilterError, SettingsError, UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from topics.expression.batches import Mask

_VARIABLE = re.compile(r"(?P<name>RACLUSTER_[A-Z_]+)\s*=\s*(?P<value>.*)")
_WORD = re.compile(r'\s*(?:(?P<name>\w+)\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))|(?P<cont>cont)\b)')
YES_NO = {"yes": True, "no": False}
OPTIONS = {"RACLUSTER_PRESERVE_FIELDS": "preserve", "RACLUSTER_REPORT_AGGREGATION": "aggregates"}
OTHERS = ("RACLUSTER_MODEL_NAME", "RACLUSTER_AUTO_CORRECTION", "RACLUSTER_AGG_METRIC")
WORDS = ("filter", "model", "status", "idle", "label", "cont")
TIMERS = ("status", "idle")
SECOND = 1_000_000_000  # ns
MOST_SECONDS = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: records of `wanted` (None: of any) are merged by `keys` and labelled; `goes_on` to later lines too.

    `timers` are the options of Aggregation, in ns, that end flows.
    """

    wanted: Mask | None
    keys: tuple[str, ...]
    timers: dict[str, int]
    label: str
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file: its lines, and the options of Aggregation that its variables set."""

    rules: tuple[Rule, ...]
    options: dict[str, bool]


def read_configuration(path: str) -> Configuration:
    """Return what a file says; raises SettingsError naming the file and the line."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    rules: list[Rule] = []
    options: dict[str, bool] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith(("#", "//")):
            continue
        try:
            variable = _VARIABLE.fullmatch(content)
            if variable:
                options |= _option(variable["name"], variable["value"].partition(" //")[0].strip().strip('"'))
            else:
                rules.append(_rule(content))
        except (UsageError, FilterError) as error:
            raise SettingsError(f"{path}: line {number}: {error}") from None
    return Configuration(tuple(rules), options)


def _option(name: str, value: str) -> dict[str, bool]:
    if name in OTHERS:
        return {}
    if name not in OPTIONS:
        raise UsageError(f"unknown variable '{name}'{suggestion(name, (*OPTIONS, *OTHERS))}")
    if value.lower() not in YES_NO:
        raise UsageError(f"{name} is yes or no, not '{value}'")
    return {OPTIONS[name]: YES_NO[value.lower()]}


def _rule(line: str) -> Rule:
    from topics import filter as filters

    facts, place = {}, 0
    while place < len(line):
        match = _WORD.match(line, place)
        if match is None:
            raise UsageError(
                f"cannot read '{line[place:].strip()}'; a line is "
                'filter="..." model="..." status=SECONDS idle=SECONDS label="..." cont'
            )
        place = match.end()
        facts[match["name"] or "cont"] = match["quoted"] if match["quoted"] is not None else match["plain"] or ""
    for name in facts:
        if name == "grep":
            raise UsageError("'grep' is not supported: a filter can ask for labels")
        if name not in WORDS:
            raise UsageError(f"unknown word '{name}'{suggestion(name, WORDS)}")
    condition = filters.condition(facts.get("filter", ""))
    return Rule(
        None if condition is None else filters.mask(condition),
        tuple(facts.get("model", "").replace(",", " ").split()),
        {name: _nanoseconds(name, facts[name]) for name in TIMERS if name in facts},
        facts.get("label", ""),
        "cont" in facts,
    )


def _nanoseconds(name: str, text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_SECONDS:
        raise UsageError(f"{name} is a number of seconds, at most {MOST_SECONDS:,}, not '{text}'")
    return int(seconds * SECOND)


class RuledAggregation:
    """Merges each record by the first rule that lets it through, unchanged when none does."""

    def __init__(self, configuration: Configuration, **options: Any) -> None:  # noqa: ANN401 - handed on
        from processors.merge.by_fields import aggregation

        merged = {**options, **configuration.options}
        self._rules = [(rule, aggregation(rule.keys, **merged, **rule.timers)) for rule in configuration.rules]
        self._rest = aggregation((), **merged)

    def add(self, batch: FlowBatch) -> None:
        """Merge the records of a batch, in order."""
        for rule, merging in self._rules:
            every = np.ones(len(batch), np.bool_)
            chosen = every if rule.wanted is None else rule.wanted(batch)
            if chosen.any():
                merging.add(_labelled(batch.select(np.flatnonzero(chosen)), rule.label))
            if not rule.goes_on:
                batch = batch.select(np.flatnonzero(~chosen))
            if not len(batch):
                return
        self._rest.add(batch)

    def finish(self) -> FlowBatch:
        """Return one record a key of each rule, and begin anew."""
        return concatenate([*(merging.finish() for _, merging in self._rules), self._rest.finish()])


def _labelled(batch: FlowBatch, label: str) -> FlowBatch:
    """Return records with one more label in front of those they have."""
    if not label:
        return batch
    records, pieces, used = batch.records, [batch.heap], len(batch.heap)
    for row in range(len(batch)):
        before = batch.heap_value(row, "labels")
        text = label.encode() + (b":" + before if before else b"")
        pieces.append(np.frombuffer(text, np.uint8))
        records["labels_offset"][row], records["labels_length"][row] = used, len(text)
        used += len(text)
    return batch.replace(heap=np.concatenate(pieces))
