"""A packet as a row: everything its bytes are rendered from, and who the hosts behind the numbers are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# One row per packet. `time` is in us since the start of the capture; `version` is 4, 6 or 0 for ARP; `payload` is the
# length behind the transport header. For ICMP `source_port` is the echo identifier, `number` the sequence and `flags`
# the type; for ARP `flags` is the operation; for DNS `form` names the kind of message, `number` is its transaction
# and `sequence` the number of the name.
PACKET = np.dtype(
    [
        ("time", "i8"),
        ("source", "u4"),
        ("destination", "u4"),
        ("sequence", "u4"),
        ("acknowledgement", "u4"),
        ("source_port", "u2"),
        ("destination_port", "u2"),
        ("window", "u2"),
        ("payload", "u2"),
        ("identification", "u2"),
        ("number", "u2"),
        ("version", "u1"),
        ("protocol", "u1"),
        ("flags", "u1"),
        ("form", "u1"),
    ]
)

CLIENTS, SERVERS, RESOLVERS = 5000, 3000, 4
FIRST_RESOLVER = CLIENTS + SERVERS

SYN, ACK, PUSH, FIN, RESET = 0x02, 0x10, 0x08, 0x01, 0x04
ARP, ICMP, TCP, UDP, ICMPV6 = 0, 1, 6, 17, 58


def packets(count: int, **columns: Any) -> Rows:
    """`count` rows with these columns, zeros elsewhere; numbers wrap at the width of their column."""
    rows = np.zeros(count, PACKET)
    for name, values in columns.items():
        rows[name] = np.asarray(values).astype(PACKET[name])
    return rows


def directed(client: Integers, server: Integers, from_server: Mask) -> dict[str, Integers]:
    """The source and destination columns of packets between `client` and `server`."""
    return {
        "source": np.where(from_server, server, client),
        "destination": np.where(from_server, client, server),
    }


def ports(client_port: Integers, server_port: Integers, from_server: Mask) -> dict[str, Integers]:
    """The port columns of packets between a client's and a server's port."""
    return {
        "source_port": np.where(from_server, server_port, client_port),
        "destination_port": np.where(from_server, client_port, server_port),
    }


def numbered(counts: Integers) -> tuple[Integers, Integers]:
    """For groups of these sizes laid end to end: the group of each element and its position in the group."""
    group = np.repeat(np.arange(len(counts)), counts)
    return group, np.arange(len(group)) - (np.cumsum(counts) - counts)[group]


def sum_before(values: Integers, group: Integers, position: Integers) -> Integers:
    """The sum of the elements before each one in its group, the groups laid end to end."""
    before = np.cumsum(values) - values
    return before - before[np.flatnonzero(position == 0)][group]


def big_endian(values: NDArray[Any], width: int) -> Bytes:
    """Rows of `width` bytes (1, 2, 4 or 8) of integers in network order."""
    return np.ascontiguousarray(values, dtype=f">u{width}").view(np.uint8).reshape(-1, width)


def addresses_ipv4(host: NDArray[Any]) -> Bytes:
    """4 bytes a host: clients in 10.20.0.0/16, resolvers in 10.20.250.0/24, servers in 198.18.0.0/15 (RFC 2544)."""
    address = np.where(host < CLIENTS, 0x0A140100 + host, 0xC6120100 + host.astype(np.int64) - CLIENTS)
    return big_endian(np.where(host >= FIRST_RESOLVER, 0x0A14FA00 + 53 + host - FIRST_RESOLVER, address), 4)


def addresses_ipv6(host: NDArray[Any]) -> Bytes:
    """16 bytes a host: clients and resolvers in 2001:db8:20::/48, servers in 2001:db8:80::/48."""
    inside = (host < CLIENTS) | (host >= FIRST_RESOLVER)
    prefix = big_endian(np.where(inside, 0x20010DB8_00200000, 0x20010DB8_00800000).astype(np.uint64), 8)
    return np.hstack([prefix, big_endian(host.astype(np.uint64) + 1, 8)])


def macs(host: NDArray[Any]) -> Bytes:
    """6 bytes a host; the capture is taken among the clients, so that all others have the router's."""
    number = np.where(host < CLIENTS, host.astype(np.int64) + 0x100, 1)
    return np.hstack([np.full((len(host), 2), (0x02, 0x20), np.uint8), big_endian(number, 4)])


def hop_limits(host: NDArray[Any]) -> Bytes:
    """The TTL seen: 64 or 128 from clients, less 3 to 18 hops from servers."""
    number = host.astype(np.int64)
    return np.where(number < CLIENTS, np.where(number % 3 == 0, 64, 128), 61 - number % 16).astype(np.uint8)
