"""Histograms of packet sizes and of times between packets: a hexadecimal digit a bin, two in a column of 16."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.fields.columns import side_column
from topics.fields.field import Format, both
from topics.histograms import ACTIVE, IDLE, SIZES, counts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from topics.expression import Value
    from topics.fields.field import Field
    from topics.fields.style import Style

WIDE = 16  # columns from which a bin has two digits
TIMES = "Times between packets of the {source}"
NOTE = ": a digit for each of eight bins, scaled; blank unless the probe counted them"
# name, heading, width, where the counts begin that are added, meaning
TABLE = (
    ("{s}pktsz", "{s}PktSz", 12, (SIZES,), "Sizes of the packets of the {source}"),
    ("{s}intdist", "{S}IntDist", 8, (ACTIVE, IDLE), TIMES),
    ("{s}intdistact", "{S}IntActDist", 11, (ACTIVE,), f"{TIMES} while data was in flight"),
    ("{s}intdistidl", "{S}IntIdlDist", 11, (IDLE,), f"{TIMES} while the flow was idle"),
)


def digits(vector: bytes | None, firsts: Sequence[int], width: int) -> str | None:
    """Return the sums of histograms as Argus prints them, None where nothing was counted.

    Counts above what their digits hold are scaled so that the largest fits; none that is not 0 becomes 0.
    """
    counts = [sum(column) for column in zip(*(counts_of(vector or b"", first) for first in firsts), strict=True)]
    most = max(counts, default=0)
    if not most:
        return None
    places = 2 if width >= WIDE else 1
    limit = 16**places - 1
    if most > limit:
        counts = [max(count * limit // most, 1) if count else 0 for count in counts]
    return "".join(f"{count:0{places}x}" for count in counts)


def _format(firsts: Sequence[int]) -> Format:
    def text(value: pl.Expr, _: Style, width: int) -> pl.Expr:
        def shown(column: pl.Series) -> pl.Series:
            return pl.Series([digits(each, firsts, width) for each in column.to_list()], dtype=pl.String)

        return value.map_batches(shown, return_dtype=pl.String, is_elementwise=True)

    return Format(text, holds="bytes")


def _vector(side: str) -> Value:
    return side_column(side, "histograms")


def _fields() -> Iterator[Field]:
    for name, title, width, firsts, doc in TABLE:
        yield from both(name, title, width, _vector, _format(firsts), doc + NOTE)


FIELDS = tuple(_fields())
