"""Values as text, by the rules of Argus: `%d`, `%.6f`, `0x%04x`, local times cut (not rounded) to the precision."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import polars as pl

from topics.fields.field import Format

if TYPE_CHECKING:
    from topics.fields.style import Style

SECOND = 1_000_000_000
QUARTER_HOUR = 900 * SECOND  # clocks change at multiples of it everywhere
DIGITS = 38
NIBBLES = dict(enumerate("0123456789abcdef"))
VISIBLE = bytes(octet if 0x20 <= octet < 0x7F else ord(".") for octet in range(256))


def _integer(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return value.cast(pl.String)


def _word(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return value


def _hexadecimal(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return hexadecimal(value, 4)


def hexadecimal(value: pl.Expr, digits: int) -> pl.Expr:
    """Return an integer column as `0x` and the lowest so many hexadecimal digits."""
    wide = value.cast(pl.UInt32)
    nibbles = [(wide // 16**place % 16).replace_strict(NIBBLES, return_dtype=pl.String) for place in range(digits)]
    return pl.concat_str([pl.lit("0x"), *reversed(nibbles)])


def _fraction(value: pl.Expr, style: Style, _: int) -> pl.Expr:
    return value.cast(pl.Decimal(DIGITS, style.precision), strict=False).cast(pl.String)


def _seconds(value: pl.Expr, style: Style, width: int) -> pl.Expr:
    return _fraction(value / SECOND, style, width)


def local_offset(instants: pl.Series) -> pl.Series:
    """Return how far the local clock is ahead of UTC at each instant; both in ns, int64."""
    quarter = (instants // QUARTER_HOUR).alias("quarter")
    known = quarter.unique().drop_nulls()
    offsets = pl.Series("offset", [time.localtime(number * 900).tm_gmtoff * SECOND for number in known], pl.Int64)
    table = pl.DataFrame([known, offsets])
    return quarter.to_frame().join(table, on="quarter", how="left", maintain_order="left")["offset"]


def _time(value: pl.Expr, style: Style, _: int) -> pl.Expr:
    """Write a time; a direction without packets has none, and Argus prints the epoch for it."""
    instant = value.cast(pl.Int64).fill_null(0)
    fraction = _fraction_of_second(instant, style)
    if style.epoch:
        return _with_fraction((instant // SECOND).cast(pl.String), fraction)
    local = instant + instant.map_batches(local_offset, return_dtype=pl.Int64, is_elementwise=True)
    return _with_fraction(local.cast(pl.Datetime("ns")).dt.strftime("%H:%M:%S"), fraction)


def _with_fraction(text: pl.Expr, fraction: pl.Expr | None) -> pl.Expr:
    return text if fraction is None else pl.concat_str([text, pl.lit("."), fraction])


def _fraction_of_second(instant: pl.Expr, style: Style) -> pl.Expr | None:
    if not style.precision:
        return None
    digits: pl.Expr = 10**style.precision
    return (instant % SECOND // (SECOND // digits) + digits).cast(pl.String).str.slice(1)


def _time_room(_: int, style: Style) -> int:
    return style.precision


def _payload(label: str) -> Format:
    def text(value: pl.Expr, _: Style, width: int) -> pl.Expr:
        start = value.map_batches(lambda column: _visible(column, width), return_dtype=pl.String, is_elementwise=True)
        return pl.format(f"{label}[{{}}]={{}}", start.str.len_chars(), start)

    return Format(text, left=True, free=True, extra_width=_payload_room)


def _payload_room(width: int, _: Style) -> int:
    return 8 if width < 10 else 9


def _visible(column: pl.Series, length: int) -> pl.Series:
    """Return the first octets of each value as text, a dot for each that is not printable ASCII."""
    pieces = [value and value[:length].translate(VISIBLE).decode("ascii") for value in column.to_list()]
    return pl.Series(pieces, dtype=pl.String)


INTEGER = Format(_integer)
WORD = Format(_word)
TEXT = Format(_word, free=True)
LEFT_TEXT = Format(_word, left=True, free=True)
HEXADECIMAL = Format(_hexadecimal)
FRACTION = Format(_fraction)
SECONDS = Format(_seconds)
TIME = Format(_time, extra_width=_time_room)
PAYLOADS = (_payload("s"), _payload("d"))
