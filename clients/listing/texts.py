"""The texts of records, made once for those that are alike in what decides them, and numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from sinks.formats.scan import SCHEMA
from topics.expression.value import column_names
from topics.rows.coding import Coding
from topics.rows.keys import Extent, Key, keys
from topics.rows.writing_kernel import MARGIN, TEXT_BITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from topics.fields import Field, Style

Numbers = np.ndarray[Any, np.dtype[np.int64]]
MOST = 1 << 25  # bytes of texts that are remembered before all are forgotten
NUMBER_BITS = 32


class Heap:
    """Texts one behind the other in `octets`, of which `used` are taken."""

    def __init__(self) -> None:
        self.octets, self.used = np.empty(1 << 16, np.uint8), 0

    def add(self, texts: Sequence[bytes]) -> Numbers:
        """Add texts and return where each starts and its length, as the kernel takes it."""
        joined = np.frombuffer(b"".join(texts), np.uint8)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self.octets = _with_room(self.octets, self.used, len(joined) + MARGIN)
        self.octets[self.used : self.used + len(joined)] = joined
        starts = self.used + np.cumsum(lengths) - lengths
        self.used += len(joined)
        return starts << TEXT_BITS | lengths


def _with_room(array: Any, used: int, more: int) -> Any:  # noqa: ANN401 - of any type
    """Return an array, or a longer one that begins with what is used of it."""
    if used + more <= len(array):
        return array
    longer = np.empty((2 * (used + more), *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer


class _Group:
    """Columns whose texts are decided by the same keys, perhaps with the numbers of another group."""

    def __init__(self, found: Sequence[Key], before: _Group | None = None) -> None:
        self.keys, self.before = found, before
        self.columns = list[int]()
        self.codes = np.empty(0, np.int64)
        self._coding = Coding([(key.bits, key.parts) for key in found] + [(NUMBER_BITS, 1)] * (before is not None))

    def clear(self) -> None:
        """Forget all numbers."""
        self._coding.clear()

    def number(self, worked_out: pl.DataFrame) -> Numbers:
        """Write the number of each row into `codes` and return the first rows of those that are new."""
        values: list[Any] = [worked_out[key.name].to_numpy() for key in self.keys]
        if self.before is not None:
            values.append(self.before.codes.view(np.uint64))
        self.codes = np.empty(worked_out.height, np.int64)
        return self._coding.code(values, self.codes)


class AllTexts:
    """The texts of some columns, by place; `columns` are the fields with what a line has of each.

    Columns that are decided by few keys share their numbers. Those of many, like addresses, have numbers of their own:
    of the address and what else decides it, which is numbered before.
    """

    def __init__(self, columns: Mapping[int, tuple[Field, pl.Expr]], style: Style) -> None:
        found = {place: deciding(column, style) for place, (column, _) in columns.items()}
        self._cells = {place: cell for place, (_, cell) in columns.items()}
        self._keys = {place: known for place, known in found.items() if known is not None}
        self.heap = Heap()
        self._fitting = frozenset[int]()
        self._groups = list[_Group]()
        self._forget()

    def _forget(self) -> None:
        self.heap = Heap()
        self._places = dict.fromkeys(self._keys, np.empty(0, np.int64))
        self._longest = dict.fromkeys(self._keys, 0)
        for group in self._groups:
            group.clear()

    def wanted(self, frame: pl.DataFrame) -> list[pl.Expr]:
        """Return what has to be worked out of a frame."""
        schema = frame.schema
        fitting = frozenset(place for place, found in self._keys.items() if _fits(found, schema))
        if fitting != self._fitting:
            self._fitting, self._groups = fitting, _grouped({place: self._keys[place] for place in sorted(fitting)})
            self._forget()
        elif self.heap.used > MOST:
            self._forget()
        wanted = {key.name: key.expression for group in self._groups for key in group.keys}
        return [expression.alias(name) for name, expression in wanted.items()]

    def numbered(self, frame: pl.DataFrame, worked_out: pl.DataFrame, numbers: Numbers) -> dict[int, int]:
        """Write the number of each row's text into the rows of `numbers`; return the longest text of each column.

        A column that is not returned has no numbers.
        """
        if any(worked_out[key.name].null_count() for group in self._groups for key in group.keys):
            return {}
        for group in self._groups:
            new = group.number(worked_out)
            if len(new) and group.columns:
                self._add(frame, new, group.columns)
            for place in group.columns:
                np.take(self._places[place], group.codes, out=numbers[place])
        return {place: self._longest[place] for place in self._fitting}

    def _add(self, frame: pl.DataFrame, new: Numbers, columns: Sequence[int]) -> None:
        """Add the texts of records that are new, in these rows."""
        needed = {name for place in columns for name in self._cells[place].meta.root_names()}
        texts = frame.select(sorted(needed))[new].select(
            self._cells[place].cast(pl.Binary).alias(str(place)) for place in columns
        )
        for place in columns:
            cells = texts[str(place)].to_list()
            self._places[place] = np.concatenate([self._places[place], self.heap.add(cells)])
            self._longest[place] = max(self._longest[place], *map(len, cells))


def deciding(column: Field, style: Style) -> list[Key] | None:
    """Return what decides the text of a field; None where that cannot be said."""
    if column.pattern:
        return None
    roots = set(column.text(style).meta.root_names())
    values = [value for value in (column.expression(), *column.format.also()) if column_names(value) & roots]
    if not roots or not roots <= {name for value in values for name in column_names(value)}:
        return None
    return keys(values)


def _fits(found: Sequence[Key], schema: pl.Schema) -> bool:
    """Tell whether the columns of a frame that decide a text are those of records."""
    names = {name for key in found for name in key.expression.meta.root_names()}
    return all(schema.get(name) == SCHEMA[name] for name in names)


def _grouped(columns: Mapping[int, Sequence[Key]]) -> list[_Group]:
    """Return the groups that number these columns, those first that others need."""
    common: dict[str, Key] = {}
    kinds: dict[tuple[str, ...], _Group] = {}
    narrow, own = list[int](), list[_Group]()
    for place, found in columns.items():
        if all(key.extent is not Extent.MANY for key in found):
            common |= {key.name: key for key in found}
            narrow.append(place)
            continue
        few = sorted((key for key in found if key.extent is Extent.FEW), key=lambda key: key.name)
        kind = kinds.setdefault(tuple(key.name for key in few), _Group(few)) if few else None
        own.append(_Group([key for key in found if key.extent is not Extent.FEW], kind))
        own[-1].columns.append(place)
    shared = _Group(list(common.values()))
    shared.columns = narrow
    return [*([shared] if narrow else []), *kinds.values(), *own]
