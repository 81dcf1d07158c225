"""What lines are drawn of: the values of some fields as one text, and records seen from their other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from clients.ragraph.series import LABEL
from topics.fields import field
from topics.frame import ARROW_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.fields import Style

OTHER = {"src_": "dst_", "dst_": "src_"}
BLANK = "none"


def label(names: list[str], style: Style) -> pl.Expr:
    """Return the text that the fields of a record make, empty without any; raises UsageError for an unknown one."""
    if not names:
        return (
            pl.col("src_packets").is_null().replace_strict({False: "", True: ""}, return_dtype=pl.String).alias(LABEL)
        )
    texts = [_text(name, style).fill_null(BLANK) for name in names]
    return pl.concat_str(texts, separator=" ").alias(LABEL)


def _text(name: str, style: Style) -> pl.Expr:
    return field(name).text(style).str.strip_chars()


def turned(names: Iterable[str]) -> dict[str, str]:
    """Return what each column is called in a record whose source and destination have changed places."""
    known = set(ARROW_SCHEMA.names)
    swapped = {name: OTHER.get(name[:4], name[:4]) + name[4:] for name in names}
    return {name: other if other in known else name for name, other in swapped.items()}
