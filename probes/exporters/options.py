"""Records of options: names of interfaces, rates of samplers, and when an exporter was started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.exporters import elements
from probes.exporters import layout as at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.exporters.templates import Template

MOST_RATE = 1 << 24
SAMPLE_SIZE, POPULATION = 309, 310  # random n out of N (RFC 5477)
SYSTEM_START = 160
LONGEST_NAME = 64
MILLISECOND = 1_000_000

Values = dict[int, bytes]


def read_options(template: Template, body: memoryview) -> Iterator[Values]:
    """Yield what each record of a set says, by number of the element; ends where a record would leave the set."""
    place, end = 0, len(body)
    while place + template.shortest <= end:
        values: Values = {}
        for field in template.fields:
            length = field.length
            if length == at.VARIABLE:
                length, place = _said_length(body, place)
            if place + length > end:
                return
            if not field.enterprise:
                values.setdefault(field.number, bytes(body[place : place + length]))
            place += length
        yield values


def _said_length(body: memoryview, place: int) -> tuple[int, int]:
    """Return the length that a field says at a place, and where its bytes begin."""
    if place >= len(body):
        return at.VARIABLE, place
    if body[place] < 255:
        return body[place], place + 1
    return int.from_bytes(body[place + 1 : place + 3], "big"), place + 3


def interface_name(values: Values) -> tuple[int, str] | None:
    """Return the number and the name of an interface, where a record tells them."""
    number = next((_number(values[each]) for each in sorted(elements.INTERFACES) if each in values), None)
    texts = (_text(values[each]) for each in elements.INTERFACE_NAMES if each in values)
    name = next((text for text in texts if text), "")
    return (number, name) if number is not None and name else None


def sampling(values: Values) -> tuple[int, int] | None:
    """Return a sampler, 0 for that of everything, and one of how many packets it takes, where a record tells them."""
    sampler = next((_number(values[each]) for each in elements.SAMPLERS if each in values), 0)
    rate = next((_number(values[each]) for each in elements.SAMPLING_INTERVALS if each in values), 0)
    if elements.SAMPLING_PACKETS in values:
        taken = _number(values[elements.SAMPLING_PACKETS])
        rate = rate_of(taken, _number(values.get(elements.SAMPLING_SPACE, b"")))
    elif POPULATION in values:
        rate = _number(values[POPULATION]) // max(1, _number(values.get(SAMPLE_SIZE, b"\1")))
    return (sampler, min(rate, MOST_RATE)) if rate > 0 else None


def rate_of(taken: int, left_out: int) -> int:
    """Return one of how many packets is taken, of those that are taken and then left out in turn (RFC 5476)."""
    return max(1, (taken + left_out) // taken) if taken > 0 else 0


def interface_of(template: Template, values: Values) -> int:
    """Return the interface that a record of options is about, 0 when it is about no single one."""
    scopes = {each.number for each in template.fields[: template.scopes] if not each.enterprise}
    return next((_number(values[each]) for each in sorted(scopes & elements.INTERFACES) if each in values), 0)


def system_start(values: Values) -> int | None:
    """Return when the exporter began to count milliseconds, ns, where a record tells it."""
    if SYSTEM_START not in values:
        return None
    start = _number(values[SYSTEM_START]) * MILLISECOND
    return start if start < 1 << 61 else None


def _number(value: bytes) -> int:
    return int.from_bytes(value[-8:], "big")


def _text(value: bytes) -> str:
    text = value[:LONGEST_NAME].split(b"\0")[0].decode(errors="replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)
