"""What an address was called from when to when, as a record and as Avro."""

from __future__ import annotations

import io
from hashlib import blake2b
from typing import NamedTuple

from fastavro import schemaless_writer

from topics import single_object
from topics.errors import DecodeError
from topics.framing import avro_schema, read_record

ADDRESS_NAME = "address-name.v1"
EVERYBODY = bytes(16)
MOST_BYTES = 64 * 1024


class AddressName(NamedTuple):
    """One name of an address; the schema address-name.v1 tells what each attribute is."""

    address: bytes
    name: str
    source: str
    first: int
    last: int
    until: int
    client: bytes = EVERYBODY
    mac: bytes = b""
    user: str = ""
    chain: tuple[str, ...] = ()
    event: str = "new"
    site: str = ""
    probe: str = ""
    flow_id: bytes = b""
    partition: int = -1


def encode_name(name: AddressName) -> bytes:
    """Return the message that carries a name."""
    out = io.BytesIO()
    schemaless_writer(out, avro_schema(ADDRESS_NAME), name._asdict())
    return single_object.wrap(ADDRESS_NAME, out.getvalue())


def decode_name(data: bytes | memoryview) -> AddressName:
    """Return the name that a message carries; raises DecodeError."""
    if len(data) > MOST_BYTES:
        raise DecodeError(f"a name of {len(data)} bytes", 0)
    values = read_record(data, ADDRESS_NAME)
    return AddressName(**values | {"chain": tuple(values["chain"])})


def name_key(name: AddressName) -> bytes:
    """Return the key of a message: the address, and a hash of what else makes two names different ones."""
    rest = f"{name.source}\0{name.name}\0{name.user}\0{name.first}\0".encode() + name.client + name.mac
    return name.address + blake2b(rest, digest_size=8).digest()
