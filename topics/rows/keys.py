"""What the text of a field is decided by, as few bits of each record: records alike in them print alike.

The keys are found in the tree of the field's value. A column of few values (protocol, flags, state) is a key as it is;
a condition over a column of many (`src_packets > 0`) is one by its answer; a column that takes part in one branch of a
choice only, like the port that tells the type of an ICMP message, is one where that branch is taken and 0 elsewhere.
"""

from __future__ import annotations

import functools
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from topics.expression.polars import polars
from topics.expression.value import Value, all_of, any_of, col, column_names, when
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from topics.schema import Field

CONDITIONS = frozenset(
    (
        *("equal", "unequal", "less", "less or equal", "greater", "greater or equal", "is in", "between", "has"),
        *("known", "matches", "ip within", "ip among", "mac is"),
    )
)
JOINED = frozenset(("and", "or", "not"))
SURE = CONDITIONS - {"matches"} | JOINED | {"constant", "case", "add", "subtract", "multiply", "bits", "joined bits"}
ASIDE = frozenset(("ip text", "mac text", "class network"))  # their second part is a condition
UNBOUNDED = frozenset(("community id", "in spans", "latin text", "label", "hex text"))
FEW = ("flags", "encapsulations", "options", "tcp_state", "vlan", "ethertype")  # names of columns of few values
UNSIGNED = {"u1": pl.UInt8(), "u2": pl.UInt16(), "u4": pl.UInt32(), "i8": pl.UInt64()}
PART_BITS = {64: pl.UInt64(), 16: pl.UInt16(), 8: pl.UInt8()}
ANSWER_BITS = 2  # no, yes, unknown


class Extent(Enum):
    """How many different keys are to be expected."""

    FEW = auto()  # a column of few values
    SOME = auto()  # the answer of a condition, or a column where a branch is taken
    MANY = auto()


class Key(NamedTuple):
    """Integers of each record: unsigned, or `parts` of them in an array, each of so many bits; alike by its name."""

    name: str
    expression: pl.Expr
    bits: int
    parts: int
    extent: Extent


@functools.cache
def _kinds() -> dict[str, Field | None]:
    """Return what is known of the columns that can be keys; None for those that are categories."""
    fixed = {field.name: field for field in flow_fields() if not field.unit.startswith("ns since")}
    known: dict[str, Field | None] = {
        name: None if field.kind == "enum" else field
        for name, field in fixed.items()
        if field.kind in {"enum", "fixed"} or field.store in UNSIGNED
    }
    return known | dict.fromkeys(("site", "probe", "interface"))


def of_few_values(name: str) -> bool:
    """Tell whether a column has few different values in many records."""
    if name not in _kinds():
        return False
    field = _kinds()[name]
    return field is None or field.store == "u1" or name.endswith(FEW)


def keys(values: Iterable[Value]) -> list[Key] | None:
    """Return what decides these values of a record, None where that is no fixed number of bits.

    Where one of the keys is of many values, conditions are keys by their answers, whatever they ask: the fewer records
    differ in them, the fewer texts there are of each of the many.
    """
    several = list(values)
    try:
        found = _found(several, answers=False)
        return _found(several, answers=True) if any(key.extent is Extent.MANY for key in found) else found
    except KeyError:
        return None


def _found(values: Iterable[Value], *, answers: bool) -> list[Key]:
    keys = _Keys(answers=answers)
    for value in values:
        keys.walk(value, ())
    return keys.keys()


class _Keys:
    """The columns that are keys as they are, those that are in some branches, and the conditions over others."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers
        self._whole: dict[str, None] = {}
        self._branches: dict[str, list[Value]] = {}
        self._conditions: list[Value] = []

    def walk(self, value: Value, path: tuple[Value, ...]) -> None:
        """Note what decides a value that takes part where the conditions of the path hold; raises KeyError."""
        names = column_names(value)
        if self._answers and value.operation in CONDITIONS | JOINED:
            self._conditions.append(value)
        elif all(map(of_few_values, names)):
            self._whole |= dict.fromkeys(sorted(names))
        elif value.operation in CONDITIONS:
            self._conditions.append(value)
        elif value.operation == "column":
            self._column(str(value.parts[0]), path)
        elif value.operation == "case":
            self._case(value.parts, path)
        elif value.operation in ASIDE:
            self._aside(value.parts, path)
        elif value.operation in UNBOUNDED:
            raise KeyError(value.operation)
        else:
            for part in value.parts:
                if isinstance(part, Value):
                    self.walk(part, path)

    def _case(self, parts: tuple[object, ...], path: tuple[Value, ...]) -> None:
        values = [part for part in parts if isinstance(part, Value)]
        for condition, chosen in zip(values[:-1:2], values[1::2], strict=False):
            self.walk(condition, path)
            self.walk(chosen, (*path, condition))
        if len(values) % 2:
            self.walk(values[-1], path)

    def _aside(self, parts: tuple[object, ...], path: tuple[Value, ...]) -> None:
        value, condition = parts
        if isinstance(condition, Value):
            self.walk(condition, path)
            path = (*path, condition)
        assert isinstance(value, Value)  # noqa: S101 - what has a text is a value
        self.walk(value, path)

    def _column(self, name: str, path: tuple[Value, ...]) -> None:
        if name not in _kinds():
            raise KeyError(name)
        field = _kinds()[name]
        if path and (field is None or field.kind != "fixed"):
            self._branches.setdefault(name, []).append(all_of(path))
        else:
            self._whole[name] = None

    def _split(self, condition: Value) -> Iterator[Value]:
        """Yield what has to be asked for the answer of a condition: its parts, where few values decide some of them."""
        names = column_names(condition)
        if names <= self._whole.keys():
            return
        few = set(filter(of_few_values, names))
        if condition.operation in JOINED and few and few != names:
            for part in condition.parts:
                assert isinstance(part, Value)  # noqa: S101 - conditions are joined with conditions
                yield from self._split(part)
        else:
            yield condition

    def keys(self) -> list[Key]:
        """Return them all."""
        whole = [key_of(name) for name in self._whole]
        branches = [
            _key(name, repr(branch), polars(branch), Extent.SOME)
            for name, conditions in self._branches.items()
            for branch in [when(any_of(conditions)).then(col(name)).otherwise(_nothing(name))]
            if name not in self._whole
        ]
        conditions = [
            Key(repr(condition), _answer(condition), ANSWER_BITS, 1, Extent.SOME)
            for several in self._conditions
            for condition in self._split(several)
        ]
        return list({key.name: key for key in whole + branches + conditions}.values())


def _answer(condition: Value) -> pl.Expr:
    """Return the answer of a condition as an integer; what may be unknown takes longer to ask."""
    no, yes, unknown = (pl.lit(answer, pl.UInt8()) for answer in range(3))
    asked = polars(condition)
    if _is_sure(condition):
        return pl.when(asked).then(yes).otherwise(no)
    return pl.when(asked).then(yes).when(~asked).then(no).otherwise(unknown)


def _is_sure(value: Value) -> bool:
    """Tell whether there is a value wherever its columns have one, which those of times need not."""
    if value.operation == "column":
        return str(value.parts[0]) in _kinds() or str(value.parts[0]) in _numbers()
    if value.operation == "case" and not len(value.parts) % 2:
        return False
    return value.operation in SURE and all(_is_sure(part) for part in value.parts if isinstance(part, Value))


@functools.cache
def _numbers() -> frozenset[str]:
    """Return the columns of integers that are no times."""
    integers = (field for field in flow_fields() if field.store == "i8")
    return frozenset(field.name for field in integers if not field.unit.startswith("ns since"))


def key_of(name: str) -> Key:
    """Return the key that a column is as it is; raises KeyError."""
    return _key(name, name, pl.col(name), Extent.FEW if of_few_values(name) else Extent.MANY)


def _nothing(name: str) -> int | bytes:
    field = _kinds()[name]
    return bytes(field.size) if field is not None and field.kind == "fixed" else 0


def _key(column: str, name: str, values: pl.Expr, extent: Extent) -> Key:
    """Return a key that is a column, or a part of it."""
    field = _kinds()[column]
    if field is None:
        return Key(name, values.to_physical().cast(pl.UInt32), 32, 1, extent)
    if field.kind == "fixed":
        bits = next(bits for bits in PART_BITS if field.size * 8 % bits == 0)
        parts = field.size * 8 // bits
        return Key(name, values.bin.reinterpret(dtype=pl.Array(PART_BITS[bits], parts)), bits, parts, extent)
    bits = {"u1": 8, "u2": 16, "u4": 32, "i8": 64}[field.store]
    wide = values.cast(pl.Int64).reinterpret(signed=False)
    return Key(name, wide if bits == 64 else values.cast(UNSIGNED[field.store]), bits, 1, extent)
