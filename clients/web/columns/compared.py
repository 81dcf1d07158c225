"""Conditions on numbers that lie in memory as records have them, held against them by NumPy: cheaper than a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.expression import Value

if TYPE_CHECKING:
    from clients.web.columns.prepared import Column, Prepared

COMPARISONS: dict[str, np.ufunc] = {
    "equal": np.equal,
    "unequal": np.not_equal,
    "less": np.less,
    "less or equal": np.less_equal,
    "greater": np.greater,
    "greater or equal": np.greater_equal,
}
JOINS: dict[str, np.ufunc] = {"and": np.logical_and, "or": np.logical_or}
FEW = 8  # numbers, which are looked for one after the other
WIDEST = 2  # bytes of a number whose values are looked up in a table of all


def compared(file: Prepared, condition: Value) -> Column | None:
    """Return which rows meet a condition, one answer where all rows are alike; None for one that is more than this.

    The columns it is about are those of Prepared.frame, none of which has rows without a value.
    """
    match condition:
        case Value("or else", (Value() as inner, Value("constant"))):
            return compared(file, inner)
        case Value("not", (Value() as inner,)):
            found = compared(file, inner)
            return None if found is None else np.logical_not(found)
        case Value(("and" | "or") as name, parts):
            return _joined(file, JOINS[name], parts)
        case Value("is in", (Value("column", (str() as name,)), tuple() as wanted)):
            return _among(file.column(name), wanted)
        case Value("between", (Value("column", (str() as name,)), int() as low, int() as high)):
            column = file.column(name)
            return column == low if low == high else (column >= low) & (column <= high)
        case Value(name, (Value("column", (str() as column,)), Value("constant", (int() as constant,)))) if (
            name in COMPARISONS
        ):
            return np.asarray(COMPARISONS[name](file.column(column), constant))
    return None


def _joined(file: Prepared, join: np.ufunc, parts: tuple[Any, ...]) -> Column | None:
    found: Column | None = None
    for part in parts:
        one = compared(file, part)
        if one is None:
            return None
        found = one if found is None else join(found, one)
    return found


def _among(column: Column, wanted: tuple[Any, ...]) -> Column | None:
    if column.dtype.kind != "u" or not all(isinstance(each, int) for each in wanted):
        return None
    if len(wanted) <= FEW:
        found = np.zeros(len(column), np.bool_)
        for each in wanted:
            found |= column == each
        return found
    if column.dtype.itemsize > WIDEST:
        return np.isin(column, wanted)
    inside = np.zeros(1 << 8 * column.dtype.itemsize, np.bool_)
    inside[[each for each in wanted if 0 <= each < len(inside)]] = True
    return np.asarray(inside[column])
