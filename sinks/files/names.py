"""Names of files: strftime, values of fields, and nothing in them that leads astray."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from topics.batch import FlowBatch
    from topics.fields import Field

SECOND = 1_000_000_000
FIELD = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
UNSAFE = re.compile(r"[^\w.:+@=,-]")
LONGEST_VALUE = 64  # characters of a field's value
LONGEST_PART = 160  # bytes of one part of a path; systems take 255, and numbers and suffixes are still to come
LONGEST_PATTERN = 1000
NOTHING = "none"
LETTERS = 26
Values = tuple[str, ...]
Rows = np.ndarray[tuple[int], np.dtype[np.int64]]


class NamePattern:
    """Names that `pattern` gives: `%` directives of strftime by the start of a bin in UTC, `$field` by the records.

    Values keep letters, digits and `.:+@=,-_`; what else they hold becomes `_`, an empty one `none`, a long one its
    beginning. No part of a path begins with `.` or `-` because of a value, and long parts end in a hash. Files of a bin
    are numbered, or with `letters` end in so many or more: aa, ab, ... Raises UsageError for a pattern that leaves its
    directory or names nothing, and for fields there are not.
    """

    def __init__(self, pattern: str, suffix: str, letters: int = 0) -> None:
        self.text, self._suffix, self._letters = pattern, suffix, letters
        if not pattern or pattern.endswith("/") or "\0" in pattern or len(pattern) > LONGEST_PATTERN:
            raise UsageError(f"pattern '{pattern[:80]}' names no file")
        pieces = FIELD.split(pattern.removesuffix(suffix))
        self._literals = pieces[::3]
        self._fields = _fields(pattern, [one or other for one, other in zip(pieces[1::3], pieces[2::3], strict=True)])
        self._texts: list[pl.Expr] = []
        self.path((NOTHING,) * len(self._fields), 0)

    @property
    def has_fields(self) -> bool:
        """Whether names depend on the records."""
        return bool(self._fields)

    def tells_apart(self, nanoseconds: int) -> bool:
        """Tell whether bins of this length get names of their own, though directives in a loop may repeat in time."""
        values = (NOTHING,) * len(self._fields)
        return self.path(values, 0) != self.path(values, nanoseconds)

    def path(self, values: Values, start: int, part: int = 0) -> PurePosixPath:
        """Return the path of one part of the bin that begins at `start` (ns); raises UsageError."""
        when = datetime.fromtimestamp(start // SECOND, UTC)
        text = "".join(
            when.strftime(literal) + value for literal, value in zip(self._literals, (*values, ""), strict=True)
        )
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in PurePosixPath(self.text).parts or not path.name:
            raise UsageError(f"pattern '{self.text}' leads out of the data directory")
        parts = [_bounded(each if _plain(each) or not self._fields else f"_{each}") for each in path.parts]
        parts[-1] += self._number(part) + self._suffix
        return PurePosixPath(*parts)

    def _number(self, part: int) -> str:
        return lettered(part, self._letters) if self._letters else f".{part}" if part else ""

    def groups(self, batch: FlowBatch) -> Iterator[tuple[Values, Rows]]:
        """Yield (safe values, the rows that have them, in order) for all values of a batch."""
        if not self._fields:
            yield (), np.arange(len(batch))
            return
        merged: dict[Values, list[Rows]] = {}
        for values, rows in self._distinct(batch):
            merged.setdefault(tuple(safe(value) for value in values), []).append(rows)
        for safe_values, found in merged.items():
            yield safe_values, found[0] if len(found) == 1 else np.sort(np.concatenate(found))

    def _distinct(self, batch: FlowBatch) -> Iterator[tuple[tuple[str | None, ...], Rows]]:
        import polars as pl

        from topics.fields import Style
        from topics.frame import to_arrow

        if not self._texts:
            style = Style(port_names=False)
            self._texts = [field.text(style).alias(str(n)) for n, field in enumerate(self._fields)]
        columns = {name for text in self._texts for name in text.meta.root_names()}
        texts = pl.DataFrame(to_arrow(batch, columns)).select(self._texts)
        found = texts.with_row_index("row").group_by(texts.columns, maintain_order=True).agg("row")
        for *values, rows in found.iter_rows():
            yield tuple(values), np.array(rows, np.int64)


def safe(value: str | None) -> str:
    """Return a value as it may stand in a name."""
    return UNSAFE.sub("_", (value or "").strip())[:LONGEST_VALUE] or NOTHING


def lettered(number: int, least: int) -> str:
    """Return a number as `split` writes it: aa, ab, ..., zz, with a letter more where they do not suffice."""
    while number >= LETTERS**least:
        number, least = number - LETTERS**least, least + 1
    return "".join(chr(ord("a") + number // LETTERS**place % LETTERS) for place in reversed(range(least)))


def _plain(part: str) -> bool:
    return not part.startswith((".", "-"))


def _bounded(part: str) -> str:
    data = part.encode()
    if len(data) <= LONGEST_PART:
        return part
    return f"{data[:LONGEST_PART].decode(errors='ignore')}~{blake2b(data, digest_size=4).hexdigest()}"


def _fields(pattern: str, names: list[str]) -> list[Field]:
    from topics.fields import field

    try:
        return [field(name) for name in names]
    except UsageError as error:
        raise UsageError(f"pattern '{pattern}': {error}") from None
