"""Damage to bytes: what a broken sender, a bad link or an attacker does to headers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

LONGEST = 2048
TELLING = (0, 1, 2, 4, 5, 6, 0x0F, 0x10, 0x1F, 0x40, 0x45, 0x60, 0x7F, 0x80, 0xAA, 0xF0, 0xFE, 0xFF)
TELLING_16 = (
    0,
    1,
    7,
    8,
    19,
    20,
    39,
    40,
    0x0800,
    0x86DD,
    0x8100,
    0x8847,
    0x6558,
    0x7FFF,
    0x8000,
    0xFFF8,
    0xFFFE,
    0xFFFF,
)
TELLING_32 = (0, 1, 8, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
PROTOCOLS = (0, 1, 2, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 132)


def _flip(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    data[random.randrange(len(data))] = random.choice((*TELLING, *PROTOCOLS, random.randrange(256)))


def _number(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    packed = struct.pack(">H", random.choice(TELLING_16))
    if random.random() < 0.5:
        packed = struct.pack(random.choice("<>") + "I", random.choice(TELLING_32))
    at = random.randrange(len(data))
    data[at : at + len(packed)] = packed[: len(data) - at]


def _step(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(data))
    data[at] = data[at] + random.randrange(-8, 9) & 0xFF


def _cut(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    del data[random.randrange(len(data) + 1) :]


def _drop(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(data))
    del data[at : at + random.randrange(1, 17)]


def _repeat(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(data))
    data[at:at] = data[at : at + random.randrange(1, 65)] * random.randrange(1, 8)


def _insert(random: Random, data: bytearray, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = random.randbytes(random.randrange(1, 17))


def _splice(random: Random, data: bytearray, others: Sequence[bytes]) -> None:
    """Put the end of another input behind the beginning of this one: headers inside headers."""
    other = random.choice(others)
    data[random.randrange(len(data) + 1) :] = other[random.randrange(len(other) + 1) :]


DAMAGE = (_flip, _flip, _set, _set, _number, _number, _step, _cut, _drop, _repeat, _insert, _splice)


def damaged(random: Random, inputs: Sequence[bytes]) -> bytes:
    """Return one of the inputs, hurt in up to six places; never longer than LONGEST."""
    data = bytearray(random.choice(inputs))
    for _ in range(random.randrange(7)):
        if not data:
            break
        random.choice(DAMAGE)(random, data, inputs)
    return bytes(data[:LONGEST])
