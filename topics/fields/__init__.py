"""Every printable field, defined once: name, heading, width, value and format, after Argus's `ra -s`."""

from __future__ import annotations

import functools

from topics.errors import UsageError
from topics.fields.field import Field
from topics.fields.style import Style

__all__ = ["Field", "Style", "field", "fields"]


@functools.cache
def fields() -> dict[str, Field]:
    """Return all fields by name."""
    from topics.fields import absent, endpoints, headers, intervals, labels, summary, times, traffic

    groups = (times, endpoints, summary, traffic, intervals, headers, labels, absent)
    return {known.name: known for group in groups for known in group.FIELDS}


def field(name: str) -> Field:
    """Return the field of this name; raises UsageError that suggests the nearest."""
    known = fields()
    if name not in known:
        from topics.nearest import suggestion

        raise UsageError(f"unknown field '{name}'{suggestion(name, known)}")
    return known[name]
