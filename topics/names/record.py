"""What an address was called from when to when, as a record and as Avro."""

from __future__ import annotations

import functools
import io
from hashlib import blake2b
from typing import Any, NamedTuple

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from topics import single_object
from topics.errors import DecodeError
from topics.schema import schema_json

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


@functools.cache
def _schema() -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    return parse_schema(schema_json(ADDRESS_NAME))


def encode_name(name: AddressName) -> bytes:
    """Return the message that carries a name."""
    out = io.BytesIO()
    schemaless_writer(out, _schema(), name._asdict())
    return single_object.wrap(ADDRESS_NAME, out.getvalue())


def decode_name(data: bytes | memoryview) -> AddressName:
    """Return the name that a message carries; raises DecodeError."""
    schema, payload = single_object.unwrap(data)
    if schema != ADDRESS_NAME:
        raise DecodeError(f"a {schema}, not a {ADDRESS_NAME},", 0)
    if len(payload) > MOST_BYTES:
        raise DecodeError(f"a name of {len(payload)} bytes", 0)
    source = io.BytesIO(payload)
    try:
        values: Any = schemaless_reader(source, _schema(), None)
    except Exception as error:  # noqa: BLE001 - fastavro lets through whatever damaged bytes lead to
        raise DecodeError(f"no {ADDRESS_NAME} ({type(error).__name__})", source.tell()) from None
    return AddressName(**values | {"chain": tuple(values["chain"])})


def name_key(name: AddressName) -> bytes:
    """Return the key of a message: the address, and a hash of what else makes two names different ones."""
    rest = f"{name.source}\0{name.name}\0{name.user}\0{name.first}\0".encode() + name.client + name.mac
    return name.address + blake2b(rest, digest_size=8).digest()
