"""What a record of Argus says by words, joined into the one text of ours."""

from __future__ import annotations

from typing import Any

from topics.argus.decode.words import INT64
from topics.compiled import inlined


@inlined
def _label_text(octets: Any, first: Any, count: Any, heap: Any, begin: Any, used: Any) -> Any:
    """Add the ASCII of a text to the label that begins at `begin`, behind a colon where there is some."""
    start = used
    if used > begin:
        heap[used] = 58
        used += 1
    written = used
    for byte in range(count):
        letter = octets[first + byte]
        if letter == 0:
            break
        if 32 < letter < 127:
            heap[used] = letter
            used += 1
    return start if used == written else used


@inlined
def _label_key(first: Any, second: Any, third: Any, heap: Any, begin: Any, used: Any) -> Any:
    if used > begin:
        heap[used] = 58
        used += 1
    heap[used], heap[used + 1], heap[used + 2] = first, second, third
    heap[used + 3] = 61
    return used + 4


@inlined
def _decimal(number: Any, heap: Any, used: Any) -> Any:
    power = 1
    while number // power >= 10:
        power *= 10
    while power:
        heap[used] = 48 + number // power % 10
        used += 1
        power //= 10
    return used


@inlined
def _country(octets: Any, first: Any, letter: Any, heap: Any, begin: Any, used: Any) -> Any:
    one, two = octets[first], octets[first + 1]
    if not (65 <= one <= 90 and 65 <= two <= 90):
        return used
    used = _label_key(letter, 99, 111, heap, begin, used)
    heap[used], heap[used + 1] = one, two
    return used + 2


@inlined
def take_labels(
    words: Any, octets: Any, label: Any, country: Any, origins: Any, record: Any, heap: Any, used: Any
) -> Any:
    """Join what a record says by words into the one text of ours; returns how much of the heap is in use."""
    begin = used
    if label:
        length = INT64(words[label]) & 0xFF
        used = _label_text(octets, 4 * label + 4, 4 * (length - 1), heap, begin, used)
    if country and INT64(words[country]) & 0xFF >= 2:
        used = _country(octets, 4 * country + 4, 115, heap, begin, used)
        used = _country(octets, 4 * country + 6, 100, heap, begin, used)
    if origins:
        length = INT64(words[origins]) & 0xFF
        for number in range(min(3, length - 1)):
            origin = INT64(words[origins + 1 + number])
            if origin:
                letter = 115 if number == 0 else (100 if number == 1 else 105)
                used = _label_key(letter, 97, 115, heap, begin, used)
                used = _decimal(origin, heap, used)
    if used > begin:
        record.labels_offset, record.labels_length = begin, used - begin
    return used
