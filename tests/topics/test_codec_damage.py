"""Hostile bytes: a typed error or a valid batch, never a crash. Also run with bounds checked, see test_codec_bounds."""

import io
from typing import Any

import numpy as np
import pytest
from fastavro import schemaless_reader
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topics.batches import PARSED, comparable, random_batch
from topics.batch import FlowBatch, records_like
from topics.codec import decode_batch, encode_batch
from topics.errors import DecodeError

HEAD = encode_batch(FlowBatch())[:-1]


def record_bytes() -> bytes:
    """One record whose `observer`, the number after the flow id, is zero."""
    return encode_batch(FlowBatch(records=records_like(1)))[len(HEAD) + 1 : -1]


def check_valid(data: bytes) -> None:
    """Fail unless the bytes are refused, or are a batch that can be written again and that fastavro reads alike."""
    try:
        batch = decode_batch(data)
    except DecodeError as error:
        refusal = error
    else:
        again = encode_batch(batch)
        assert comparable(decode_batch(again)) == comparable(batch)
        assert records_by_fastavro(data) == records_by_fastavro(again)
        return
    assert 0 <= refusal.offset <= len(data)
    assert len(str(refusal).splitlines()) == 1


def records_by_fastavro(data: bytes) -> str:
    read: Any = schemaless_reader(io.BytesIO(data), PARSED, None)
    return repr(read["records"])


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_every_truncation_is_refused(seed: int) -> None:
    data = encode_batch(random_batch(seed, 2))
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            decode_batch(data[:size])


@given(st.integers(0, 2**32), st.integers(1, 4), st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=4))
@settings(deadline=None, max_examples=300)
def test_flipped_bits_are_refused_or_harmless(seed: int, count: int, flips: list[tuple[float, int]]) -> None:
    data = bytearray(encode_batch(random_batch(seed, count)))
    for place, bits in flips:
        data[int(place * (len(data) - 1))] ^= bits
    check_valid(bytes(data))


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=20)
def test_bits_flipped_one_after_the_other(seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(encode_batch(random_batch(seed, 2, heap=False)))
    for place in random.choice(len(data), 60, replace=False):
        data[place] ^= 1 << int(random.integers(8))
        check_valid(bytes(data))
        data[place] ^= int(random.integers(1, 256))


@given(st.binary(max_size=3000))
@settings(deadline=None, max_examples=200)
def test_noise_where_records_should_be(noise: bytes) -> None:
    check_valid(HEAD + b"\x02" + noise)
    check_valid(noise)


@pytest.mark.parametrize("fill", [b"\xff", b"\x80", b"\x7f", b"\x01", b"\x00"])
@pytest.mark.parametrize("size", [0, 1, 300, 5000])
def test_one_byte_over_and_over(fill: bytes, size: int) -> None:
    check_valid(HEAD + b"\x08" + fill * size)


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "array block of 9223372036854775807 items"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", "array block of 9223372036854775808 items"),
        (b"\x80\x80\x80\x80\x02", "array block of 268435456 items"),
        (b"\x01\xfe\xff\xff\xff\x0f", "array block of 2147483647 bytes"),
        (b"\x01\x01", "array block of -1 bytes"),
        (b"\x80" * 10, "number of more than 10 bytes"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "number wider than 64 bits"),
    ],
)
def test_block_counts_that_lie_allocate_nothing(count: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_batch(HEAD + count + bytes(400))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (b"\x80" * 10 + b"\x00", "number of more than 10 bytes"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "number wider than 64 bits"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "number wider than 64 bits"),
    ],
)
def test_numbers_that_are_none(number: bytes, reason: str) -> None:
    record = record_bytes()
    place = len(HEAD) + 1 + 16
    with pytest.raises(DecodeError, match=f"record 0: field 'observer': {reason} at byte {place}"):
        decode_batch(HEAD + b"\x02" + record[:16] + number + record[17:] + bytes(50))


def test_a_number_may_take_more_bytes_than_it_needs() -> None:
    record = record_bytes()
    for longer in (b"\x80\x00", b"\x80" * 8 + b"\x00", b"\x80" * 9 + b"\x00"):
        batch = decode_batch(HEAD + b"\x02" + record[:16] + longer + record[17:] + b"\x00")
        assert batch.records["observer"][0] == 0
        assert batch.records["records"][0] == 1


FIRST_FIELDS = 16 + 1 + 1  # flow_id, observer, flow_start
HOSTILE_FIELDS = [
    (b"\x01", "status_sequence", "-1 is not between 0 and 4294967295"),
    (b"\x80\x80\x80\x80\x20", "status_sequence", "4294967296 is not between 0 and 4294967295"),
    (b"\x00\x0e", "cause", "7 is not between 0 and 6"),
    (b"\x00\x01", "cause", "-1 is not between 0 and 6"),
    (b"\x00\x00\x02\x80\x80\x08", "ethertype", "65536 is not between 0 and 65535"),
    (b"\x00\x00\x02\x00\x80\x04", "protocol", "256 is not between 0 and 255"),
]


@pytest.mark.parametrize(("fields", "name", "reason"), HOSTILE_FIELDS)
def test_values_wider_than_their_field_are_refused_by_name(fields: bytes, name: str, reason: str) -> None:
    record = record_bytes()
    data = HEAD + b"\x02" + record[:FIRST_FIELDS] + fields + record[FIRST_FIELDS + len(fields) :] + bytes(50)
    with pytest.raises(DecodeError, match=f"record 0: field '{name}': {reason}"):
        decode_batch(data)


def test_a_cut_names_the_field_it_went_through() -> None:
    records = records_like(1)
    records["src_packets"] = 2**62
    data = encode_batch(FlowBatch(records=records))
    for cut, name in ((2, "labels"), (3, "dst_histograms"), (4, "src_histograms")):
        reason = f"record 0: field '{name}': the message ends inside a number at byte {len(data) - cut}"
        with pytest.raises(DecodeError, match=reason):
            decode_batch(data[:-cut])


LABELS_ARE_LAST = -1


@pytest.mark.parametrize(
    "text",
    [
        b"\xff", b"\xc3", b"\xc3(", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\x80", b"ok\xe2\x82", b"\xf0\x9f\x9b",
    ],
)  # fmt: skip
def test_labels_that_are_no_text_are_refused(text: bytes) -> None:
    record = record_bytes()[:LABELS_ARE_LAST] + bytes([2 * len(text)]) + text
    with pytest.raises(DecodeError, match="record 0: field 'labels': text that is not UTF-8"):
        decode_batch(HEAD + b"\x02" + record + b"\x00")


@given(st.binary(max_size=12))
@settings(deadline=None, max_examples=500)
def test_labels_are_text_exactly_when_python_says_so(text: bytes) -> None:
    data = HEAD + b"\x02" + record_bytes()[:LABELS_ARE_LAST] + bytes([2 * len(text)]) + text + b"\x00"
    try:
        expected = text.decode()
    except UnicodeDecodeError:
        with pytest.raises(DecodeError):
            decode_batch(data)
    else:
        assert decode_batch(data).heap_value(0, "labels").decode() == expected


def test_heap_lengths_beyond_the_message_are_refused() -> None:
    record = record_bytes()
    for length in (b"\x02", b"\xfe\xff\xff\xff\x1f", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x01"):
        data = HEAD + b"\x02" + record[:LABELS_ARE_LAST] + length
        with pytest.raises(DecodeError, match="record 0: field 'labels'"):
            decode_batch(data)


def test_what_follows_the_batch_is_refused() -> None:
    with pytest.raises(DecodeError, match="bytes after the end of the batch"):
        decode_batch(HEAD + b"\x00\x00")


def test_a_partition_wider_than_an_int_is_refused() -> None:
    wide = b"\x00\x00\x00" + b"\x80\x80\x80\x80\x10" + b"\x00" * 5
    with pytest.raises(DecodeError, match="the number 2147483648 is wider than 32 bits at byte 3"):
        decode_batch(wide)
