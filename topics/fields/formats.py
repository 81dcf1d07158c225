"""Values as text, by the rules of Argus: `%d`, `%.6f`, `0x%04x`, local times cut (not rounded) to the precision."""

from __future__ import annotations

import time
from base64 import b64encode
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from topics.fields.field import Format
from topics.obfuscation import obfuscated

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.fields.field import Digits
    from topics.fields.style import Style

SECOND = 1_000_000_000
QUARTER_HOUR = 900 * SECOND  # clocks change at multiples of it everywhere
DIGITS = 38
OCTETS = {octet: f"{octet:02x}" for octet in range(256)}
VISIBLE = bytes(octet if 0x20 <= octet < 0x7F else ord(".") for octet in range(256))


def _integer(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return value.cast(pl.String)


def _count(value: pl.Expr, style: Style, _: int) -> pl.Expr:
    return abbreviated(value, style.abbreviate) if style.abbreviate is not None else value.cast(pl.String)


def _word(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return value


def _hexadecimal(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return hexadecimal(value, 4)


def where_known(value: pl.Expr, work: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Return the text that `work` makes of a value, worked out only where there is one: for what few records have."""
    return value.map_batches(lambda column: _where_known(column, work), return_dtype=pl.String, is_elementwise=True)


def _where_known(column: pl.Series, work: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    rows = column.is_not_null().arg_true()
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, len(column))
    if not len(rows):
        return blank
    known = column.gather(rows).to_frame("known")
    return blank.scatter(rows, known.select(work(pl.col("known"))).to_series())


def hexadecimal(value: pl.Expr, digits: int) -> pl.Expr:
    """Return an integer column as `0x` and the lowest so many hexadecimal digits, an even number of them."""
    wide = value.cast(pl.UInt32)
    octets = [(wide // 256**place % 256).replace_strict(OCTETS, return_dtype=pl.String) for place in range(digits // 2)]
    return pl.concat_str([pl.lit("0x"), *reversed(octets)])


def abbreviated(value: pl.Expr, digits: int) -> pl.Expr:
    """Return a number in thousands, millions and so on, as `-H` asks for: `4.692K`, cut, not rounded."""
    text: pl.Expr = _cut(value, 1, digits, " ")
    for power, suffix in enumerate("KMGTP", start=1):
        text = pl.when(value.abs() >= 1000**power).then(_cut(value, 1000**power, digits, suffix)).otherwise(text)
    return text


def _cut(value: pl.Expr, unit: int, digits: int, suffix: str) -> pl.Expr:
    places = 10**digits
    scaled = (value.cast(pl.Float64) * places / unit).cast(pl.Int64, strict=False)
    sign = pl.when(scaled < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, rest = scaled.abs() // places, scaled.abs() % places + places
    fraction = rest.cast(pl.String).str.slice(1)
    return pl.concat_str([sign, whole.cast(pl.String), pl.lit("."), fraction, pl.lit(suffix)])


def _whole(value: pl.Expr, _: Style) -> Digits:
    return value.cast(pl.Int64), 0


def _whole_count(value: pl.Expr, style: Style) -> Digits | None:
    return None if style.abbreviate is not None else (value.cast(pl.Int64), 0)


def _decimal(value: pl.Expr, style: Style) -> pl.Expr:
    return value.cast(pl.Decimal(DIGITS, style.precision), strict=False)


def _fixed(value: pl.Expr, style: Style) -> Digits:
    return _decimal(value, style), style.precision


def _fixed_rate(value: pl.Expr, style: Style) -> Digits | None:
    return None if style.abbreviate is not None else _fixed(value, style)


def _fixed_seconds(value: pl.Expr, style: Style) -> Digits:
    """Return the digits as a whole float64, rounded as the cast to a decimal does it, which takes twice as long."""
    return (value / SECOND * 10**style.precision).round(0, mode="half_to_even"), style.precision


def _epoch(value: pl.Expr, style: Style) -> Digits | None:
    """Return instants (ns since 1970) in units of the last digit asked for, cut to it; 0 where there are none."""
    if not style.epoch:
        return None
    step: int = 10 ** (9 - style.precision)
    return value.cast(pl.Int64).fill_null(0) // step, style.precision


def _fraction(value: pl.Expr, style: Style, _: int) -> pl.Expr:
    return _decimal(value, style).cast(pl.String)


def _rate(value: pl.Expr, style: Style, width: int) -> pl.Expr:
    return abbreviated(value, style.abbreviate) if style.abbreviate is not None else _fraction(value, style, width)


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
    if style.epoch:
        step: int = 10 ** (9 - style.precision)
        unit = pl.lit(Decimal(1).scaleb(-style.precision))
        return (instant // step).cast(pl.Decimal(DIGITS, 0)).mul(unit).cast(pl.String)
    return _with_fraction(local_time(instant).dt.strftime("%H:%M:%S"), fraction_of_second(instant, style))


def local_time(instant: pl.Expr) -> pl.Expr:
    """Return instants (ns since 1970, int64) as what local clocks showed then."""
    local = instant + instant.map_batches(local_offset, return_dtype=pl.Int64, is_elementwise=True)
    return local.cast(pl.Datetime("ns"))


def _with_fraction(text: pl.Expr, fraction: pl.Expr | None) -> pl.Expr:
    return text if fraction is None else pl.concat_str([text, pl.lit("."), fraction])


def fraction_of_second(instant: pl.Expr, style: Style) -> pl.Expr | None:
    """Return the digits after the decimal point of instants, None when none are asked for."""
    if not style.precision:
        return None
    digits: pl.Expr = 10**style.precision
    return (instant % SECOND // (SECOND // digits) + digits).cast(pl.String).str.slice(1)


def _time_room(_: int, style: Style) -> int:
    return style.precision


def _payload(label: str) -> Format:
    def text(value: pl.Expr, style: Style, width: int) -> pl.Expr:
        shown = READABLE[style.payload]
        start = value.map_batches(lambda column: shown(column, width), return_dtype=pl.String, is_elementwise=True)
        return pl.format(f"{label}[{{}}]={{}}", start.str.len_chars(), start)

    return Format(text, left=True, free=True, extra_width=_payload_room, holds="bytes")


def _payload_room(width: int, _: Style) -> int:
    return 8 if width < 10 else 9


def _visible(column: pl.Series, length: int) -> pl.Series:
    """Return the first octets of each value as text, a dot for each that is not printable ASCII."""
    pieces = [value and value[:length].translate(VISIBLE).decode("ascii") for value in column.to_list()]
    return pl.Series(pieces, dtype=pl.String)


def _hex(column: pl.Series, length: int) -> pl.Series:
    return pl.Series([value and value[: length // 2].hex() for value in column.to_list()], dtype=pl.String)


def _base16(column: pl.Series, length: int) -> pl.Series:
    """Return the first octets in capital hexadecimal digits, as Argus's encode32 does: twice as many as asked for."""
    return pl.Series([value and value[:length].hex().upper() for value in column.to_list()], dtype=pl.String)


def _base64(column: pl.Series, length: int) -> pl.Series:
    pieces = [value and b64encode(value[: length * 3 // 4]).decode("ascii") for value in column.to_list()]
    return pl.Series(pieces, dtype=pl.String)


def _obfuscated(column: pl.Series, length: int) -> pl.Series:
    """Return payload as text, credentials blotted out."""
    pieces = [value and obfuscated(value)[:length] for value in column.to_list()]
    return _visible(pl.Series(pieces, dtype=pl.Binary), length)


READABLE = {"ascii": _visible, "hex": _hex, "encode32": _base16, "encode64": _base64, "obfuscate": _obfuscated}
INTEGER = Format(_integer, holds="number", number=_whole)
COUNT = Format(_count, holds="number", number=_whole_count)
WORD = Format(_word)
TEXT = Format(_word, free=True)
LEFT_TEXT = Format(_word, left=True, free=True)
HEXADECIMAL = Format(_hexadecimal, holds="number")
FRACTION = Format(_fraction, holds="number", number=_fixed)
RATE = Format(_rate, holds="number", number=_fixed_rate)
SECONDS = Format(_seconds, holds="number", scale=SECOND, number=_fixed_seconds)
TIME = Format(_time, extra_width=_time_room, holds="time", number=_epoch)
PAYLOADS = (_payload("s"), _payload("d"))
