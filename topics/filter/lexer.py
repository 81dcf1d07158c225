"""A filter expression as words, each with the column it stands in."""

from __future__ import annotations

import re
from typing import NamedTuple

from topics.errors import FilterError

MAX_LENGTH = 65_536
# Order matters: two-character operators before their first characters. A backslash makes a name of a reserved word.
_TOKEN = re.compile(
    r"""\s*(?: "(?P<quoted>[^"]*)" | \\(?P<name>[^\s()!<>=&|"]+) | (?P<sign>&&|\|\||>=|<=|!=|<>|==|=~|!~|[()!<>=~])
          | (?P<word>[^\s()!<>=~&|"\\][^\s()!<>=&|"\\]*) | (?P<rest>\S) )""",
    re.VERBOSE,
)
SPELLINGS = {"&&": "and", "||": "or", "!": "not"}


class Token(NamedTuple):
    """One word: what was written, its column from 1, and whether it is literal: quoted, so never a reserved word."""

    written: str
    column: int
    literal: bool = False

    @property
    def text(self) -> str:
        """The word in lower case, as all words but names are compared."""
        return self.written.lower()

    @property
    def shown(self) -> str:
        """The word as a message shows it."""
        return f"'{self.written}' at column {self.column}"


def tokens(text: str) -> list[Token]:
    """Split an expression into words; raises FilterError for a character that has no place in one."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"filter: {len(text)} characters are more than the {MAX_LENGTH} that one may have")
    found = []
    end = len(text.rstrip())
    position = 0
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            break
        position = match.end()
        found.append(_token(match))
    return found


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "rest"
    text, column = match.group(kind), match.start(kind) + 1
    if kind == "rest":
        raise FilterError(f"filter: {text!r} at column {column} has no meaning here")
    if kind == "quoted":
        return Token(text, column - 1, literal=True)
    if kind == "name":
        return Token(text, column - 1, literal=True)
    return Token(SPELLINGS.get(text, text), column)
