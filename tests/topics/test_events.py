"""Events as messages: what goes in comes out, nothing is larger than a message may be, damage is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics import single_object
from topics.definitions import MESSAGE_BYTES
from topics.errors import DecodeError
from topics.events import EventRecord, decode_event, encode_event, encode_parts, partition_of, with_output

EVENT = EventRecord("berlin", "edge", 7, 40, "load", "load", 1_000, 2_000)
LOAD = {"one": 1.5, "five": 0.5, "fifteen": 0.25, "running": 2, "threads": 300}
LINK = {
    "interface": "wlan0", "station": "", "channel": "", "quality": 1.0, "signal": -50.0, "noise": -90.0, "discarded": 3,
}  # fmt: skip


def test_an_event_is_read_as_it_was_written() -> None:
    event = replace(EVENT, status="failed", exit_status=-9, reason="ended", errors="no\n", missed=2, body=LOAD)
    assert decode_event(encode_event(event)) == event
    assert decode_event(encode_event(EVENT)) == EVENT


@given(st.binary(max_size=20_000), st.booleans())
def test_output_is_compressed_only_when_that_makes_it_smaller(output: bytes, compress: bool) -> None:
    event = with_output(EVENT, output, compress=compress)
    assert event.plain_output == output
    assert len(event.output) <= len(output)
    assert compress or event.compression == "none"


def test_a_bomb_in_the_output_unpacks_to_what_output_may_be() -> None:
    import zlib

    bomb = replace(EVENT, compression="zlib", output=zlib.compress(bytes(50_000_000)))
    assert len(bomb.plain_output) == 512 * 1024
    assert replace(bomb, output=b"no zlib").plain_output == b""


def test_long_tables_are_cut_into_numbered_parts_that_count_once() -> None:
    event = replace(EVENT, kind="ids", body={"alerts": [], "others": 9, "unreadable": 1})
    assert [part for part, _ in encode_parts(event)] == [event]
    rows = [LINK | {"interface": str(number)} for number in range(2500)]
    event = replace(EVENT, kind="wifi", body={"links": rows}, errors="once")
    parts = [decode_event(message) for _, message in encode_parts(event)]
    assert [row for part in parts for row in (part.body or {})["links"]] == rows
    assert [(part.sequence, part.part) for part in parts] == [(40, 0), (41, 1), (42, 2)]
    assert "".join(part.errors for part in parts) == "once"


def test_messages_stay_below_what_brokers_take() -> None:
    event = replace(EVENT, kind="wifi", body={"links": [LINK | {"station": "x" * 5000}] * 1000})
    parts = list(encode_parts(event))
    assert all(len(message) <= MESSAGE_BYTES for _, message in parts)
    assert sum(len((part.body or {})["links"]) for part, _ in parts) == 1000
    huge = replace(EVENT, kind="wifi", body={"links": [LINK | {"station": "x" * MESSAGE_BYTES}]})
    assert [(part.status, part.body) for part, _ in encode_parts(huge)] == [("flooded", None)]


@given(st.binary(max_size=300))
def test_damaged_messages_are_refused_in_a_line(junk: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_event(junk)
    message = encode_event(replace(EVENT, body=LOAD))
    for damaged in (message[:-1], message[: single_object.HEADER] + b"\xff" * 20 + junk):
        with pytest.raises(DecodeError):
            decode_event(damaged)


def test_a_body_of_another_kind_is_refused() -> None:
    message = encode_event(replace(EVENT, body=LOAD))
    kind = message.index(b"\x06", single_object.HEADER + 12)  # load is the fourth kind: 3 as Avro has it
    with pytest.raises(DecodeError):
        decode_event(message[:kind] + b"\x02" + message[kind + 1 :])


def test_a_probe_has_one_partition() -> None:
    assert {partition_of("a", "b", 4) for _ in range(3)} == {partition_of("a", "b", 4)}
    assert len({partition_of("a", str(number), 4) for number in range(50)}) == 4
