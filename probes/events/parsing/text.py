"""Bounds of texts and numbers that somebody else wrote."""

from __future__ import annotations

from ipaddress import ip_address

from topics.address_text import IPV4_MAPPED
from topics.errors import InputError

LONGEST = 1024  # characters of a text in a table
MOST_NUMBER = (1 << 63) - 1
NO_ADDRESS = bytes(16)


class UnreadableError(InputError):
    """Output that its kind does not have; the text says what is wrong with it, in a line."""


def short(text: object, longest: int = LONGEST) -> str:
    """Return at most so many characters of a text, without what cannot be encoded."""
    return str(text)[:longest].encode("utf-8", "replace").decode()


def number(text: object, default: int = 0) -> int:
    """Return a whole number of 63 bits, `default` for anything else."""
    if isinstance(text, bool) or not isinstance(text, int | str) or (isinstance(text, str) and len(text) > 20):
        return default
    try:
        value = int(text)
    except ValueError:
        return default
    return value if -MOST_NUMBER <= value <= MOST_NUMBER else default


def small(text: object, default: int = 0) -> int:
    """Return a whole number of 31 bits, `default` for anything else."""
    value = number(text, default)
    return value if abs(value) < 1 << 31 else default


def fraction(text: str) -> float:
    """Return a number with a fraction, 0 for anything else."""
    try:
        value = float(text.rstrip("."))
    except ValueError:
        return 0.0
    return value if abs(value) < 1e300 else 0.0


def address(text: object) -> bytes:
    """Return an address as 16 bytes, zeros for any and for what is none."""
    if not isinstance(text, str) or len(text) > 64:
        return NO_ADDRESS
    try:
        found = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return NO_ADDRESS
    if found.version == 4:
        return IPV4_MAPPED + found.packed if int(found) else NO_ADDRESS
    return found.packed
