"""What a probe says about itself survives the way over the bus, and damage to it is told."""

import json

import pytest

from topics.batch import FlowBatch
from topics.bus import encode_message
from topics.errors import DecodeError
from topics.probe_status import (
    InterfaceStatus,
    ProbeStatus,
    encode_probe_status,
    partition_of,
    read_probe_status,
)

INTERFACE = InterfaceStatus("eth0", "edge", 2**60, ["ethernet"], 1, 2**62, 4, 5, 6, 7, 8)
STATUS = ProbeStatus(
    *("berlin", "edge", 2**60, 1, 3, "status", 2**62, 2**61, True, "0.1.0", "0123456789abcdef", 5, 60),
    *(10, 11, 12, 13, 14, 15, 16, 17),
    dropped={"kernel": 3},
    odd={"malformed": 1},
    output={"sent_records": 13},
    clock_offset=-5,
    interfaces=[INTERFACE],
)


def test_a_status_says_the_same_after_the_bus() -> None:
    assert read_probe_status(encode_probe_status(STATUS)) == STATUS


def test_a_line_holds_every_field() -> None:
    line = json.loads(STATUS.json_line)
    assert (line["cause"], line["dropped"], line["interfaces"][0]["link_types"]) == (
        "status",
        {"kernel": 3},
        ["ethernet"],
    )
    assert STATUS.json_line.count("\n") == 1


def test_every_truncation_is_refused() -> None:
    message = encode_probe_status(STATUS)
    for size in range(len(message)):
        with pytest.raises(DecodeError):
            read_probe_status(message[:size])


def test_damage_gives_a_status_or_a_typed_error() -> None:
    message = encode_probe_status(STATUS)
    for place in range(10, len(message)):
        for bits in (0x01, 0x80, 0xFF):
            data = bytearray(message)
            data[place] ^= bits
            try:
                read_probe_status(bytes(data))
            except DecodeError:
                continue


def test_another_message_is_no_status() -> None:
    with pytest.raises(DecodeError, match=r"a flow-batch.v1, not a probe-status.v1"):
        read_probe_status(encode_message(FlowBatch()))


def test_a_probe_has_one_partition() -> None:
    assert {partition_of("berlin", "edge", 4) for _ in range(3)} == {0}
    assert len({partition_of("berlin", str(probe), 4) for probe in range(64)}) == 4
