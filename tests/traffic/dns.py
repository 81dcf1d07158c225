"""DNS messages (RFC 1035) for the payload of UDP, or of TCP behind `over_tcp`."""

import struct
from collections.abc import Sequence

from tests.traffic.checksum import packed

RECORD_A, RECORD_NS, RECORD_CNAME, RECORD_SOA, RECORD_PTR, RECORD_TXT, RECORD_AAAA = 1, 2, 5, 6, 12, 16, 28
NO_ERROR, SERVER_FAILURE, NAME_ERROR = 0, 2, 3

RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080

# An answer: (name, record type, time to live in seconds, record data).
Record = tuple[str, int, int, bytes]


def encoded_name(name: str) -> bytes:
    """Length-prefixed labels, uncompressed; the empty name is the root."""
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def question(name: str, record_type: int = RECORD_A) -> bytes:
    """One entry of the question section, class IN."""
    return encoded_name(name) + struct.pack(">HH", record_type, 1)


def resource(record: Record) -> bytes:
    """One entry of an answer, authority or additional section, class IN."""
    name, record_type, time_to_live, data = record
    return encoded_name(name) + struct.pack(">HHIH", record_type, 1, time_to_live, len(data)) + data


def dns_message(
    transaction: int,
    flags: int,
    questions: Sequence[bytes] = (),
    answers: Sequence[Record] = (),
    authorities: Sequence[Record] = (),
) -> bytes:
    """A message of these sections; `flags` is the whole second word of the header with the response code."""
    header = struct.pack(">HHHHHH", transaction, flags, len(questions), len(answers), len(authorities), 0)
    return header + b"".join(questions) + b"".join(resource(record) for record in (*answers, *authorities))


def dns_query(transaction: int, name: str, record_type: int = RECORD_A) -> bytes:
    """A recursive query for one name."""
    return dns_message(transaction, RECURSION_DESIRED, [question(name, record_type)])


def dns_answer(
    transaction: int,
    name: str,
    record_type: int = RECORD_A,
    answers: Sequence[Record] = (),
    *,
    code: int = NO_ERROR,
    truncated: bool = False,
    authorities: Sequence[Record] = (),
) -> bytes:
    """A recursive server's answer to `dns_query(transaction, name, record_type)`."""
    flags = RESPONSE | RECURSION_DESIRED | RECURSION_AVAILABLE | (TRUNCATED if truncated else 0) | code
    return dns_message(transaction, flags, [question(name, record_type)], answers, authorities)


def address_record(name: str, address: str, time_to_live: int = 300) -> Record:
    """An A or AAAA record, by the address."""
    data = packed(address)
    return name, RECORD_AAAA if len(data) == 16 else RECORD_A, time_to_live, data


def alias_record(name: str, canonical: str, time_to_live: int = 300) -> Record:
    """A CNAME record."""
    return name, RECORD_CNAME, time_to_live, encoded_name(canonical)


def text_record(name: str, text: str, time_to_live: int = 300) -> Record:
    """A TXT record; `text` is cut into strings of 255 bytes."""
    raw = text.encode()
    pieces = [raw[start : start + 255] for start in range(0, len(raw), 255)]
    return name, RECORD_TXT, time_to_live, b"".join(bytes((len(piece),)) + piece for piece in pieces)


def authority_record(zone: str, time_to_live: int = 300) -> Record:
    """The SOA record that goes with a negative answer (RFC 2308)."""
    names = encoded_name(f"ns1.{zone}") + encoded_name(f"hostmaster.{zone}")
    return zone, RECORD_SOA, time_to_live, names + struct.pack(">IIIII", 2026010101, 7200, 900, 1209600, 300)


def over_tcp(message: bytes) -> bytes:
    """The two-byte length that precedes a message in a TCP stream (RFC 1035 section 4.2.2)."""
    return struct.pack(">H", len(message)) + message
