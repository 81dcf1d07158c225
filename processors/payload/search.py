"""Regular expressions over payload: bytes are searched as they are, each a character of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from processors.payload.message import printable
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

SIDES = {"s": "src_payload", "d": "dst_payload"}
LETTERS = {column: letter for letter, column in SIDES.items()}
EXCERPT = "excerpt"
ANY_BYTE = "(?s)"  # a dot stands for every byte, line ends too: payload has no lines


class Search:
    """Looks for any of some patterns, in capitals or not; raises UsageError for what is no regular expression.

    A pattern is `[s:|d:]PATTERN`, of the syntax of RE2, which Arrow runs over binary columns byte by byte: what is not
    ASCII in it stands for the bytes of its UTF-8.
    """

    def __init__(self, words: Iterable[str], *, ignore_case: bool = False) -> None:
        by_column: dict[str, list[str]] = {}
        for word in words:
            side, colon, rest = word.partition(":")
            one = colon and side in SIDES
            text = rest if one else word
            _check(word, ANY_BYTE + text)
            for column in (SIDES[side],) if one else SIDES.values():
                by_column.setdefault(column, []).append(f"(?:{text})")
        flags = ANY_BYTE + ("(?i)" if ignore_case else "")
        self._expressions = {column: flags + "|".join(texts) for column, texts in by_column.items()}

    @property
    def columns(self) -> set[str]:
        """Names of the columns a frame needs to have."""
        return set(self._expressions)

    def matches(self, frame: pl.DataFrame) -> pl.Series:
        """Tell for each record whether a pattern is found; where no payload was kept, none is."""
        found = pl.repeat(value=False, n=frame.height, eager=True)
        for column, expression in self._expressions.items():
            payload = frame[column]
            kept = payload.bin.size() > 0
            matched = pl.Series(pc.match_substring_regex(_octets(payload), expression), dtype=pl.Boolean)
            found |= (kept & matched).fill_null(value=False)
        return found

    def excerpts(self, frame: pl.DataFrame, around: int) -> pl.DataFrame:
        """Return a frame with the column EXCERPT: where the first match is and what is there, `around` bytes about."""
        shown = [""] * frame.height
        for column, expression in self._expressions.items():
            payloads = frame[column].to_list()
            octets = _octets(frame[column])
            places = pc.find_substring_regex(octets, expression).to_pylist()
            matched = pc.extract_regex(octets, f"(?P<it>{expression})").to_pylist()
            for row, (payload, at, what) in enumerate(zip(payloads, places, matched, strict=True)):
                if payload and what and not shown[row]:
                    shown[row] = _excerpt(LETTERS[column], payload, at, len(what["it"]), around)
        return frame.with_columns(pl.Series(EXCERPT, shown, pl.String))


def _octets(payload: pl.Series) -> Any:  # noqa: ANN401 - pyarrow ships no types
    return payload.to_arrow(compat_level=pl.CompatLevel.oldest())


def _check(word: str, expression: str) -> None:
    try:
        pc.match_substring_regex(pa.array([b""], pa.binary()), expression)
    except pa.ArrowInvalid as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise UsageError(f"'{word}' is no regular expression: {why}") from None


def _excerpt(side: str, payload: bytes, at: int, length: int, around: int) -> str:
    return f'{side}[{at}]="{printable(payload[max(at - around, 0) : at + length + around])}"'
