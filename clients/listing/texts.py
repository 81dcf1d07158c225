"""The texts of records, made once for those that are alike in what decides them, and numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from sinks.formats.scan import SCHEMA
from topics.expression.value import column_names
from topics.rows.coding import Coding, pieces_of
from topics.rows.keys import Extent, Key, key_of, keys, of_few_values
from topics.rows.kinds import MARGIN, TEXT_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from topics.fields import Field, Style

Numbers = np.ndarray[Any, np.dtype[np.int64]]
MOST = 1 << 25  # bytes of texts that are remembered before all are forgotten
MOST_NUMBERS = 1 << 20  # of a group, likewise
NUMBER_BITS = 32
WIDEST_NUMBER = 20  # digits
DIGITS = "digits "
WIDER = {16: pl.UInt16(), 32: pl.UInt32(), 64: pl.UInt64()}


class Heap:
    """Texts one behind the other in `octets`, of which `used` are taken."""

    def __init__(self) -> None:
        self.octets, self.used = np.empty(1 << 16, np.uint8), 0

    def add(self, texts: pl.Series) -> tuple[Numbers, int]:
        """Add texts; return where each starts and its length, as the kernel takes it, and the length of the longest."""
        joined = np.frombuffer(texts.str.join("").item().encode(), np.uint8)
        lengths = texts.str.len_bytes().cast(pl.Int64).to_numpy()
        self.octets = _with_room(self.octets, self.used, len(joined) + MARGIN)
        self.octets[self.used : self.used + len(joined)] = joined
        starts = self.used + np.cumsum(lengths) - lengths
        self.used += len(joined)
        return starts << TEXT_BITS | lengths, int(lengths.max())


def _with_room(array: Any, used: int, more: int) -> Any:  # noqa: ANN401 - of any type
    """Return an array, or a longer one that begins with what is used of it."""
    if used + more <= len(array):
        return array
    longer = np.empty((2 * (used + more), *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer


class _Group:
    """Columns whose texts are decided by the same keys, perhaps with the numbers of other rows."""

    def __init__(self, found: Sequence[Key], before: _Group | _Kinds | None = None) -> None:
        self.keys, self._before = found, before
        self.columns = list[int]()
        self.codes = self._codes_before = np.empty(0, np.int64)
        self._coding = Coding([(key.bits, key.parts) for key in found] + [(NUMBER_BITS, 1)] * (before is not None))

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return self._coding.count

    def clear(self) -> None:
        """Forget all numbers."""
        self._coding.clear()

    def number(self, worked_out: pl.DataFrame) -> Numbers:
        """Write the number of each row into `codes` and return the first rows of those that are new.

        Those of the frame before hold on, for its last lines may not be written yet.
        """
        values: list[list[Any]] = [pieces_of(worked_out[key.name]) for key in self.keys]
        if self._before is not None:
            values.append([self._before.codes.view(np.uint64)])
        self.codes, self._codes_before = self._codes_before, self.codes
        if len(self.codes) != worked_out.height:
            self.codes = np.empty(worked_out.height, np.int64)
        return self._coding.code(values, self.codes)


class _Kinds:
    """What columns of few values say of a field, worked out once for each combination of them that there is."""

    def __init__(self, found: Sequence[Key]) -> None:
        self._keys = found
        self.codes = np.empty(0, np.int64)
        self.clear()

    def clear(self) -> None:
        """Forget all numbers."""
        self._coding = Coding([(key.bits, key.parts) for key in self._keys])
        self._of = np.empty(0, np.int64)  # each combination

    def number(self, fresh: pl.DataFrame, combinations: Numbers) -> None:
        """Write the number of each row into `codes`, by the number of its combination; `fresh` are the new ones."""
        if fresh.height:
            worked_out = fresh.select(key.expression.alias(key.name) for key in self._keys)
            more = np.empty(fresh.height, np.int64)
            self._coding.code([pieces_of(worked_out[key.name]) for key in self._keys], more)
            self._of = np.concatenate([self._of, more])
        if len(self.codes) != len(combinations):
            self.codes = np.empty(len(combinations), np.int64)
        np.take(self._of, combinations, out=self.codes, mode="clip")


class Numbered(NamedTuple):
    """A column whose texts have numbers: that of each row, where each text is, the most bytes of one.

    `digits` are negative in rows that are written as a number, which has all bits turned there.
    """

    codes: Numbers
    texts: Numbers
    longest: int
    digits: pl.Series | None


class AllTexts:
    """The texts of some columns, by place; `columns` are the fields with what a line has of each.

    What columns of few values say is numbered first, together, then what is decided by that and few other keys.
    Those of many, like addresses, have numbers of their own: of the address and what else decides it.
    """

    def __init__(self, columns: Mapping[int, tuple[Field, pl.Expr]], style: Style, *, plain: bool = False) -> None:
        """`plain` has whole numbers written by themselves where their text is just that."""
        digits = {place: column.plain(style) if plain else None for place, (column, _) in columns.items()}
        self._plain = {
            place: (columns[place][0].value(), known) for place, known in digits.items() if known is not None
        }
        found = {place: deciding(column, style, digits[place]) for place, (column, _) in columns.items()}
        self._cells = {place: cell for place, (_, cell) in columns.items()}
        self._keys = {place: known for place, known in found.items() if known is not None}
        self._fitting: frozenset[int] | None = None
        self._forget()

    def _forget(self) -> None:
        self.heap = Heap()
        self._places = dict.fromkeys(self._keys, np.empty(0, np.int64))
        self._longest = dict.fromkeys(self._keys, 0)
        fitting = {place: self._keys[place] for place in sorted(self._fitting or ())}
        self._groups = _Groups(fitting)

    def wanted(self, frame: pl.DataFrame) -> list[pl.Expr]:
        """Return what has to be worked out of a frame."""
        schema = frame.schema
        fitting = frozenset(place for place, found in self._keys.items() if _fits(found, schema))
        if fitting != self._fitting or self.heap.used > MOST or self._groups.count > MOST_NUMBERS:
            self._fitting = fitting
            self._forget()
        wanted = {key.name: key.expression for group in self._groups.all for key in group.keys}
        numbers = [
            pl.when(is_plain).then(-1 - value.cast(pl.Int64)).otherwise(0).alias(f"{DIGITS}{place}")
            for place, (value, is_plain) in self._plain.items()
            if place in fitting
        ]
        return [*(expression.alias(name) for name, expression in wanted.items()), *numbers]

    def numbered(self, frame: pl.DataFrame, worked_out: pl.DataFrame) -> dict[int, Numbered]:
        """Return the numbers of each column's texts, which hold for two frames; a column left out has none."""
        if any(frame[name].null_count() for name in self._groups.columns if not frame.schema[name].is_temporal()):
            return {}
        for group, new in self._groups.number(frame, worked_out):
            if len(new) and group.columns:
                self._add(frame, new, group.columns)
        return {
            place: Numbered(
                group.codes,
                self._places[place],
                max(self._longest[place], WIDEST_NUMBER if place in self._plain else 0),
                worked_out[f"{DIGITS}{place}"] if place in self._plain else None,
            )
            for group in self._groups.all
            for place in group.columns
        }

    def _add(self, frame: pl.DataFrame, new: Numbers, columns: Sequence[int]) -> None:
        """Add the texts of records that are new, in these rows."""
        needed = {name for place in columns for name in self._cells[place].meta.root_names()}
        texts = frame.select(sorted(needed))[new].select(self._cells[place].alias(str(place)) for place in columns)
        for place in columns:
            more, longest = self.heap.add(texts[str(place)])
            self._places[place] = np.concatenate([self._places[place], more])
            self._longest[place] = max(self._longest[place], longest)


def deciding(column: Field, style: Style, plain: pl.Expr | None = None) -> list[Key] | None:
    """Return what decides the text of a field; None where that cannot be said.

    In records that are `plain`, where its text is the digits of a column, it is not asked for.
    """
    if column.pattern:
        return None
    roots = set(column.text(style).meta.root_names())
    values = [value for value in (column.expression(), *column.format.also()) if column_names(value) & roots]
    if not roots or not roots <= {name for value in values for name in column_names(value)}:
        return None
    found = keys(values)
    if found is None or plain is None:
        return found
    return [_besides(plain, key) if [key.name] == column.value().meta.root_names() else key for key in found]


def _besides(plain: pl.Expr, key: Key) -> Key:
    """Return a key that is the same for all records that are plain, and what no other record has."""
    bits = 2 * key.bits
    value = pl.when(plain).then(pl.lit(1 << key.bits)).otherwise(key.expression).cast(WIDER[bits])
    return Key(f"{key.name} besides", value, bits, 1, key.extent)


def _fits(found: Sequence[Key], schema: pl.Schema) -> bool:
    """Tell whether the columns of a frame that decide a text are those of records."""
    names = {name for key in found for name in key.expression.meta.root_names()}
    return all(schema.get(name) == SCHEMA[name] for name in names)


class _Groups:
    """The groups that number the rows of some columns, given what decides each."""

    def __init__(self, columns: Mapping[int, Sequence[Key]]) -> None:
        few = {name for found in columns.values() for key in found if _of_few(key) for name in _roots(key)}
        self._few = _Group([key_of(name) for name in sorted(few)])
        self._kinds: dict[tuple[str, ...], _Kinds] = {}
        self._others, shared, narrow = list[_Group](), dict[str, Key](), list[int]()
        for place, found in columns.items():
            if any(key.extent is Extent.MANY for key in found):
                self._others.append(self._own(place, found))
            else:
                shared |= {key.name: key for key in found if not _of_few(key)}
                narrow.append(place)
        of_both = _Group(list(shared.values()), self._few if few else None) if shared else self._few
        of_both.columns = narrow
        self._others += [of_both] if shared else []
        self.all = [*([self._few] if few else []), *self._others]
        self.columns = {name for found in columns.values() for key in found for name in _roots(key)}

    def _own(self, place: int, found: Sequence[Key]) -> _Group:
        """Return the group of one column."""
        few = [key for key in found if _of_few(key)]
        names = tuple(sorted(key.name for key in few))
        kinds = self._kinds.setdefault(names, _Kinds(few)) if few else None
        own = _Group([key for key in found if not _of_few(key)], kinds)
        own.columns.append(place)
        return own

    @property
    def count(self) -> int:
        """How many numbers the largest of them has given."""
        return max((group.count for group in self.all), default=0)

    def number(self, frame: pl.DataFrame, worked_out: pl.DataFrame) -> Iterator[tuple[_Group, Numbers]]:
        """Let each group number the rows, and yield it with the first rows of those that are new."""
        for group in self.all:
            new = group.number(worked_out)
            if group is self._few and self._kinds:
                few = frame.select(key.name for key in group.keys)
                fresh = few[new] if len(new) else few.clear()  # to take rows puts whole columns together anew
                for kinds in self._kinds.values():
                    kinds.number(fresh, group.codes)
            yield group, new


def _roots(key: Key) -> list[str]:
    return key.expression.meta.root_names()


def _of_few(key: Key) -> bool:
    """Tell whether a key is decided by columns of few values."""
    return all(map(of_few_values, _roots(key)))
