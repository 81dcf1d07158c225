"""Every printable field, defined once: name, heading, width, value and format, after Argus's `ra -s`."""

from __future__ import annotations

import functools
import importlib

from topics.errors import UsageError
from topics.fields.field import Field
from topics.fields.style import Style

__all__ = ["Field", "Style", "field", "fields"]


GROUPS = (
    "times",
    "endpoints",
    "summary",
    "traffic",
    "headers",
    "intervals",
    "histograms",
    "labels",
    "observers",
    "absent",
)


@functools.cache
def _group(name: str) -> dict[str, Field]:
    return {known.name: known for known in importlib.import_module(f"topics.fields.{name}").FIELDS}


@functools.cache
def fields() -> dict[str, Field]:
    """Return all fields by name."""
    return {name: known for group in GROUPS for name, known in _group(group).items()}


def field(name: str) -> Field:
    """Return the field of this name; raises UsageError that suggests the nearest."""
    for group in GROUPS:  # the usual ones come first, and no more are loaded than it takes
        if name in _group(group):
            return _group(group)[name]
    from topics.nearest import suggestion

    raise UsageError(f"unknown field '{name}'{suggestion(name, fields())}")
