"""Files of payload signatures, as Argus's std.sig: a line each, patterns in hexadecimal, two blanks for any byte."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

LINE = re.compile(
    r"Service:\s+(?P<name>\S+)\s+(?P<protocol>tcp|udp)\s+port\s+(?P<port>\d{1,5})\s+n\s*=\s*(?P<count>\d{1,18})"
    r'(?:\s+src\s*=\s*"(?P<src>[^"]*)")?(?:\s+(?:dst\s*=\s*)?"(?P<dst>[^"]*)")?\s*(?P<encrypted>encrypted)?\s*'
)
HEX = frozenset("0123456789ABCDEFabcdef")
PROTOCOLS = {"tcp": 6, "udp": 17}
LONGEST, MOST = 64, 100_000  # bytes of a pattern, signatures of a file

Pattern = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """How the two sides of a service begin; None in a pattern stands for any byte, an empty one says nothing."""

    name: str
    protocol: int
    port: int
    count: int
    src: Pattern = ()
    dst: Pattern = ()
    encrypted: bool = False


def read_signatures(path: str) -> list[Signature]:
    """Return the signatures of a file, in order; raises InputError naming the file and the line that cannot be read."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"{path}: no file of signatures, or a damaged one") from None
    found = [
        _signature(line, f"{path}:{number}")
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#") and not line.startswith("Total Records")
    ]
    if len(found) > MOST:
        raise InputError(f"{path}: holds {len(found)} signatures, more than {MOST}")
    return found


def _signature(line: str, place: str) -> Signature:
    match = LINE.fullmatch(line.strip())
    if match is None or int(match["port"]) > 65_535:
        raise InputError(f'{place}: no signature; expected: Service: NAME tcp|udp port N n = N src = "HEX" dst = "HEX"')
    src, dst = (_pattern(match[side] or "", place) for side in ("src", "dst"))
    number, port, count = PROTOCOLS[match["protocol"]], int(match["port"]), int(match["count"])
    return Signature(match["name"], number, port, count, src, dst, encrypted=bool(match["encrypted"]))


def _pattern(text: str, place: str) -> Pattern:
    """Read pairs of digits; one with a blank in it, as std.sig has some, is any byte. Those at the end say nothing."""
    pairs = [text.rstrip()[at : at + 2] for at in range(0, len(text.rstrip()), 2)]
    if not set(text) <= HEX | {" "} or len(pairs) > LONGEST:
        raise InputError(f"{place}: a pattern is at most {LONGEST} pairs of hexadecimal digits or blanks, not '{text}'")
    return tuple(int(pair, 16) if len(pair) == 2 and set(pair) <= HEX else None for pair in pairs)


def signature_lines(signatures: Iterable[Signature], width: int) -> list[str]:
    """Return the lines of a file of signatures whose patterns have so many bytes."""
    names = {number: name for name, number in PROTOCOLS.items()}
    return [
        f"Service: {one.name:<15} {names[one.protocol]} port {one.port:<5} n = {one.count:5}"
        f' src = "{_text(one.src, width)}"  dst = "{_text(one.dst, width)}"' + ("  encrypted" if one.encrypted else "")
        for one in signatures
    ]


def _text(pattern: Pattern, width: int) -> str:
    return "".join("  " if octet is None else f"{octet:02X}" for octet in pattern).ljust(2 * width)
