"""The text of labels: `key=value[,value]` pairs joined with colons, as Argus writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SPECIAL = re.compile("[:,=\x00-\x1f]")


def value_text(value: object) -> str:
    """Return a value with the characters that have a meaning in labels as their number, behind a backslash."""
    return _SPECIAL.sub(lambda found: f"\\{ord(found[0]):03d}", str(value))


def label_text(facts: Mapping[str, object], prefix: str = "") -> bytes:
    """Return facts as labels whose keys begin with `prefix`."""
    return ":".join(f"{prefix}{key}={_values(value)}" for key, value in facts.items()).encode()


def both_label_texts(facts: Mapping[str, object]) -> tuple[bytes, bytes]:
    """Return facts as labels of a source and of a destination, a colon behind each."""
    pairs = [f"{key}={_values(value)}:" for key, value in facts.items()]
    return "".join([f"s{pair}" for pair in pairs]).encode(), "".join([f"d{pair}" for pair in pairs]).encode()


def _values(value: object) -> str:
    return ",".join(map(value_text, value)) if isinstance(value, list | tuple) else value_text(value)


def replaced(old: bytes, new: bytes) -> bytes:
    """Return the labels of both; of a key that both have, what the new ones say."""
    keys = {pair.partition(b"=")[0] for pair in new.split(b":")}
    kept = [pair for pair in old.split(b":") if pair and pair.partition(b"=")[0] not in keys]
    return b":".join([*kept, new] if new else kept)


def joined(parts: Iterable[bytes]) -> bytes:
    """Return label texts as one."""
    return b":".join(filter(None, parts))
