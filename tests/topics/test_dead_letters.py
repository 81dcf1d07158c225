"""Dead letters keep what could not be read."""

import pytest

from topics.batch import FlowBatch
from topics.bus import encode_message
from topics.dead_letters import DeadLetter, dead_letter, read_dead_letter
from topics.errors import DecodeError

LETTER = DeadLetter("argosy.flows.v1", 3, 2**40, "no Avro single-object encoding at byte 0", bytes(range(256)))


def message() -> bytes:
    return dead_letter(LETTER.topic, LETTER.partition, LETTER.offset, LETTER.value, LETTER.reason)


def test_a_letter_says_what_was_refused_and_why() -> None:
    assert read_dead_letter(message()) == LETTER


def test_every_truncation_of_a_letter_is_refused() -> None:
    for size in range(len(message())):
        with pytest.raises(DecodeError):
            read_dead_letter(message()[:size])


def test_damage_gives_a_letter_or_a_typed_error() -> None:
    for place in range(10, 80):
        for bits in (0x01, 0x80, 0xFF):
            data = bytearray(message())
            data[place] ^= bits
            try:
                read_dead_letter(bytes(data))
            except DecodeError:
                continue


def test_another_message_is_no_letter() -> None:
    with pytest.raises(DecodeError, match=r"a flow-batch.v1, not a dead-letter.v1"):
        read_dead_letter(encode_message(FlowBatch()))
