"""The networks that addresses lie in, of the usual size: /24 of IPv4, /64 of IPv6 (RFC 4291 section 2.5.1)."""

from __future__ import annotations

from contextlib import suppress
from socket import AF_INET6, inet_ntop, inet_pton
from typing import TYPE_CHECKING

from clients.web.columns.prepared import NONE

if TYPE_CHECKING:
    from clients.web.columns.engine import Engine
    from clients.web.columns.prepared import Column, Prepared

NETWORK = "net"
INTERFACE = bytes(8)


def network_of(address: str) -> str:
    """Return the network of an address, none of one that is not of IP."""
    if ":" not in address:
        return f"{address.rpartition('.')[0]}.0/24" if address.count(".") == 3 else NONE
    with suppress(OSError):
        return f"{inet_ntop(AF_INET6, inet_pton(AF_INET6, address)[:8] + INTERFACE)}/64"
    return NONE


def networks(engine: Engine, file: Prepared) -> Column:
    """Return the number, in the vocabulary of networks, of each address of a file."""
    if NETWORK not in file.made:
        words = [network_of(word) for word in file.words["address"]]
        file.made[NETWORK] = engine.columns.vocabulary(NETWORK).codes(words)
    return file.made[NETWORK]
