"""The DNS messages of the bulk traffic: a few forms of fixed length, filled in with transaction and name."""

import struct
from functools import cache

import numpy as np

from tests.traffic.bulk.table import Bytes, Integers, Rows, big_endian
from tests.traffic.dns import (
    NAME_ERROR,
    RECORD_A,
    RECORD_AAAA,
    RECURSION_AVAILABLE,
    RECURSION_DESIRED,
    RESPONSE,
    dns_answer,
    dns_query,
    question,
)

# A name is its five digits behind one of these, under example.com; a form is 1 + its index here * KINDS + its kind.
LABELS = ("w", "web-", "static-assets", "a-rather-long-service-")
DIGITS = 5

KINDS = 7
QUERIES, NO_SUCH_NAME = np.array([0, 1]), np.array([5, 6])  # for A, for AAAA
ONE_IPV4, FOUR_IPV4, ONE_IPV6 = 2, 3, 4


def message(form: int) -> bytes:
    """A message of this form with zeros for transaction and digits."""
    label, kind = divmod(form - 1, KINDS)
    name, wants_ipv6 = f"{LABELS[label]}{'0' * DIGITS}.example.com", kind in {QUERIES[1], ONE_IPV6, NO_SUCH_NAME[1]}
    record_type = RECORD_AAAA if wants_ipv6 else RECORD_A
    if kind in QUERIES:
        return dns_query(0, name, record_type)
    if kind in NO_SUCH_NAME:
        return dns_answer(0, name, record_type, code=NAME_ERROR)
    data = bytes.fromhex("20010db8008000000000000000000007") if wants_ipv6 else bytes((198, 18, 1, 7))
    answers = 4 if kind == FOUR_IPV4 else 1
    flags = RESPONSE | RECURSION_DESIRED | RECURSION_AVAILABLE
    header = struct.pack(">HHHHHH", 0, flags, 1, answers, 0, 0)
    # 0xC00C points at the name of the question (RFC 1035 section 4.1.4).
    records = b"".join(
        struct.pack(">HHHIH", 0xC00C, record_type, 1, 300, len(data)) + data[:-1] + bytes((7 + number,))
        for number in range(answers)
    )
    return header + question(name, record_type) + records


@cache
def form_lengths() -> Integers:
    """The length of each form's messages, by form; form 0 is no DNS."""
    return np.array([0] + [len(message(form)) for form in range(1, 1 + len(LABELS) * KINDS)])


def messages(form: int, rows: Rows) -> Bytes:
    """One message a row, all of `form`."""
    template = np.frombuffer(message(form), np.uint8)
    filled = np.tile(template, (len(rows), 1))
    filled[:, 0:2] = big_endian(rows["number"], 2)
    first = 13 + len(LABELS[(form - 1) // KINDS])
    number = rows["sequence"].astype(np.int64)
    for digit in range(DIGITS):
        filled[:, first + digit] = ord("0") + number // 10 ** (DIGITS - 1 - digit) % 10
    return filled
