"""Small databases in MaxMind's format (version 2.0 of its specification), from networks and what to say of them."""

from __future__ import annotations

import struct
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SEPARATOR, MARK = bytes(16), b"\xab\xcd\xefMaxMind.com"
TEXT, DOUBLE, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 3, 5, 6, 7, 9, 11
RECORD_BITS = 32


def _head(kind: int, size: int) -> bytes:
    first = (kind << 5 if kind < 8 else 0) | min(size, 29)
    return bytes((first,)) + (bytes((kind - 7,)) if kind > 7 else b"") + (bytes((size - 29,)) if size >= 29 else b"")


def encoded(value: Any, kind: int = UINT32) -> bytes:
    """One value: text, a number, a dictionary or a list."""
    if isinstance(value, str):
        return _head(TEXT, len(value.encode())) + value.encode()
    if isinstance(value, float):
        return _head(DOUBLE, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        data = value.to_bytes(8).lstrip(b"\0")
        return _head(kind, len(data)) + data
    if isinstance(value, list):
        return _head(ARRAY, len(value)) + b"".join(encoded(each) for each in value)
    return _head(MAP, len(value)) + b"".join(encoded(key) + encoded(each) for key, each in value.items())


def database(networks: dict[str, dict[str, Any]], width: int = RECORD_BITS, version: int = 6) -> bytes:
    """The file that says of each network, IPv4 or IPv6, what it is given."""
    tree: list[list[Any]] = [[None, None]]
    data, places = b"", []
    for text, value in networks.items():
        network = ip_network(text)
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        bits = "0" * 96 + bits if network.version == 4 and version == 6 else bits
        node = 0
        for bit in bits[:-1]:
            if tree[node][int(bit)] is None:
                tree.append([None, None])
                tree[node][int(bit)] = len(tree) - 1
            node = tree[node][int(bit)]
        tree[node][int(bits[-1])] = ("data", len(data))
        places.append(len(data))
        data += encoded(value)
    count = len(tree)

    def record(entry: Any) -> int:
        return count if entry is None else entry if isinstance(entry, int) else count + 16 + int(entry[1])

    nodes = b"".join(_node(width, *map(record, node)) for node in tree)
    metadata = b"".join(
        encoded(name) + encoded(value, kind)
        for name, value, kind in (
            *(("node_count", count, UINT32), ("record_size", width, UINT16), ("ip_version", version, UINT16)),
            *(("binary_format_major_version", 2, UINT16), ("binary_format_minor_version", 0, UINT16)),
            *(("build_epoch", 1_700_000_000, UINT64), ("database_type", "Test", 0), ("languages", ["en"], 0)),
            ("description", {"en": "a test"}, 0),
        )
    )
    return nodes + SEPARATOR + data + MARK + _head(MAP, 9) + metadata


def _node(width: int, left: int, right: int) -> bytes:
    """Two records; those of 28 bits have their highest four in the byte between them."""
    if width == 32:
        return struct.pack(">II", left, right)
    between = bytes((left >> 24 << 4 | right >> 24,)) if width == 28 else b""
    return (left & 0xFFFFFF).to_bytes(3) + between + (right & 0xFFFFFF).to_bytes(3)


def place(country: str, city: str, latitude: float, longitude: float) -> dict[str, Any]:
    """An entry as databases of cities have them."""
    return {
        "country": {"iso_code": country},
        "city": {"names": {"en": city}},
        "location": {"latitude": latitude, "longitude": longitude},
    }


def system(number: int, name: str) -> dict[str, Any]:
    """An entry as databases of AS have them."""
    return {"autonomous_system_number": number, "autonomous_system_organization": name}


def write_database(path: Path, networks: dict[str, dict[str, Any]]) -> None:
    """Put a database in the place of another at once, as updates do."""
    aside = path.with_suffix(".new")
    aside.write_bytes(database(networks))
    aside.replace(path)
