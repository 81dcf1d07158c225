"""What is said on the wire is text and nothing else."""

from __future__ import annotations

import json
import re

import pytest

from clients.web.asking.leading import filter_of
from clients.web.serving import replies
from topics import filter as filters

HOSTILE_NAMES = [
    '<img src=x onerror="alert(1)">',
    "</script><script>alert(1)</script>",
    'a" or saddr ~ ".',
    "a) or (tcp",
    "\u202egnp.exe",
    "=HYPERLINK(1)",
    "\ud800",
    "a\nb",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_from_the_wire_are_values_of_json_and_never_words_of_a_filter(name: str) -> None:
    assert json.loads(replies.encoded({"name": name}).decode())["name"] is not None
    assert b"\n" not in replies.encoded({"name": name})
    made = filter_of("dname", name)
    if '"' in name:
        assert made is not None
        tree = filters.parse(made)
        assert type(tree).__name__ == "Matched"
        assert re.fullmatch(tree.pattern, name)  # type: ignore[union-attr]  # as just said
    elif made is not None:
        tree = filters.parse(made)
        assert type(tree).__name__ == "Compared"
        assert tree.constant == name.lower() or tree.constant == name  # type: ignore[union-attr]  # as just said
    for by in ("addr", "saddr", "service", "proto", "country", "as", "state", "srcid", "dport"):
        made = filter_of(by, name)
        assert made is None or filters.parse(made) is not None
