"""Values by a printf format (`dur:10:%.3f`) or, times, by a strftime one (`stime:30:%Y-%m-%d %T.%f`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from topics.errors import UsageError
from topics.fields.formats import SECOND, fraction_of_second, local_time

if TYPE_CHECKING:
    from topics.fields.field import Field
    from topics.fields.style import Style

_PRINTF = re.compile(r"(?:[^%]|%%)*%[-+ 0#]{0,5}\d{0,3}(?:\.\d{1,2})?(?P<kind>[diouxXeEfFgGsc])(?:[^%]|%%)*")
MAX_LENGTH = 256


def check(name: str, pattern: str, holds: str) -> None:
    """Raise UsageError for a pattern that does not fit what a field holds."""
    if len(pattern) > MAX_LENGTH:
        raise UsageError(f"field '{name}': its format has more than {MAX_LENGTH} characters")
    match = _PRINTF.fullmatch(pattern)
    if holds == "time":
        return
    if match is None or (holds != "number" and match["kind"] != "s"):
        wanted = "%d or %.3f" if holds == "number" else "%s"
        raise UsageError(f"field '{name}': '{pattern}' is no format for it; give something like {wanted}")


def patterned(field: Field, style: Style) -> pl.Expr:
    """Return the text of a field in the format it was given."""
    if field.format.holds == "time":
        return _time(field, style)
    if field.format.holds != "number":
        return _python(field.format.text(field.value(), style, field.width), field.pattern)
    value = field.value()
    return _python(value / field.format.scale if field.format.scale != 1 else value, field.pattern)


def _time(field: Field, style: Style) -> pl.Expr:
    instant = field.value().cast(pl.Int64).fill_null(0)
    if "%s" in field.pattern:
        return (instant // SECOND).cast(pl.String)
    before, percent, after = field.pattern.partition("%f")
    fraction = fraction_of_second(instant, style) if percent else None
    local = local_time(instant)
    parts = [local.dt.strftime(before)] if before else []
    if fraction is not None:
        parts.append(fraction)
    if after:
        parts.append(local.dt.strftime(after))
    return pl.concat_str(parts)


def _python(value: pl.Expr, pattern: str) -> pl.Expr:
    match = _PRINTF.fullmatch(pattern)
    whole = match is not None and match["kind"] in "diouxXc"

    def written(column: pl.Series) -> pl.Series:
        texts = [None if each is None else pattern % (int(each) if whole else each) for each in column.to_list()]
        return pl.Series(texts, dtype=pl.String)

    return value.map_batches(written, return_dtype=pl.String, is_elementwise=True)
