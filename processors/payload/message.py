"""What is read out of a payload, and reading it: every length is checked, what is missing is said."""

from __future__ import annotations

from dataclasses import dataclass, field

Fact = str | int
LONGEST_TEXT = 255
MOST_ITEMS = 64


class Short(Exception):  # noqa: N818 - the end of what there is, not a failure
    """The payload ends where more should come."""


class Wrong(Exception):  # noqa: N818 - says what is wrong, and stays inside this package
    """The payload says what cannot be; the text tells what."""


@dataclass(slots=True)
class Message:
    """What a payload says: its protocol, facts by name, a line of words, and what is wrong with it, if anything.

    With `blot`, credentials are not told.
    """

    protocol: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    damage: str = ""
    blot: bool = False

    def secret(self, text: str) -> str:
        """Return a credential as it may be told."""
        return "x" * len(text) if self.blot else text

    def say(self, *words: str) -> None:
        """Add words to the line."""
        self.words += [_visible(word) for word in words if word]

    def note(self, name: str, value: Fact) -> None:
        """Keep a fact, unless it is empty or known already."""
        if value != "":
            fact = value if isinstance(value, int) else _visible(value)[:LONGEST_TEXT]
            self.facts.setdefault(f"{self.protocol}.{name}", fact)

    @property
    def text(self) -> str:
        """The line: what is known, and in brackets what is wrong."""
        return " ".join([*self.words, *([f"[{self.damage}]"] if self.damage else [])])


class Octets:
    """Bytes that are read one after the other; raises Short where they end too early."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    @property
    def left(self) -> int:
        """How many bytes there are still."""
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        if size > self.left:
            raise Short
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """Return an unsigned integer of so many bytes, the most significant first."""
        return int.from_bytes(self.take(size))

    def little(self, size: int) -> int:
        """Return an unsigned integer of so many bytes, the least significant first."""
        return int.from_bytes(self.take(size), "little")

    def sized(self, size: int) -> Octets:
        """Return what a length of `size` bytes announces."""
        return Octets(self.take(self.number(size)))

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.left)


def printable(data: bytes) -> str:
    """Return bytes as text, a dot for each that is not printable ASCII."""
    return data[:LONGEST_TEXT].translate(VISIBLE).decode("ascii")


def _visible(text: str) -> str:
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "." for letter in text)


VISIBLE = bytes(octet if 0x20 <= octet < 0x7F else ord(".") for octet in range(256))
